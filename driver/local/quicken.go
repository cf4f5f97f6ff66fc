package local

import (
	"context"
	"path/filepath"
	"slices"
)

// The class archive of a virtual environment halves the start of Spark. The
// launcher finds it by its name.
const (
	archiveFile   = "spark.jsa"
	noArchiveFile = "spark.jsa.failed" // it could not be made, and is not tried again
)

// quicken makes the class archive of a Spark job's virtual environment, once.
// Jobs run without it as well, so only the end of ctx is an error.
func (d *Driver) quicken(ctx context.Context, shim string, t tools) error {
	v := newVenv(d.cfg.Cache, t)
	archive := filepath.Join(v.dir, archiveFile)
	if exists(archive) || exists(filepath.Join(v.dir, noArchiveFile)) {
		return nil
	}
	lock, err := v.lock(ctx, d.cfg.Progress)
	if err != nil {
		return err
	}
	defer lock.Close()
	if exists(archive) {
		return nil
	}
	d.cfg.Progress("preparing a quicker start of Spark (once)")
	c := d.chatter(v, append(slices.Clone(d.cfg.Environ), "JAVA_HOME="+t.javaHome), d.cfg.Progress)
	err = c.run(ctx, v.python(), filepath.Join(shim, launcher), "--prepare", archive)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil:
		return nil
	}
	d.cfg.Log.WarnContext(ctx, "no class archive", "error", err, "last", c.last)
	return writeFile(filepath.Join(v.dir, noArchiveFile), []byte(indent(c.last)+"\n"))
}
