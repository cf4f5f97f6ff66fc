package folder

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/slipway-cd/slipway"
)

var errNotDir = syscall.ENOTDIR

func isNotDir(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

// explain tells a failure of the file system to a person: what could not be
// done where, why, and the way out. Other errors pass as they are.
func (r *Repository) explain(err error, verb, key string) error {
	var errno syscall.Errno
	var onPath *fs.PathError
	var onLink *os.LinkError
	var why, fix string
	switch {
	case isNotDir(err):
		return r.blocked(key)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		why, fix = "no room is left", "free some room on the file system of %s and call again; nothing was left half-written"
	case errors.Is(err, syscall.EROFS):
		why, fix = "the file system is read-only", "mount the file system of %s writable, or name another folder as the environment's repository"
	case errors.Is(err, fs.ErrPermission):
		why, fix = "no permission", "give your user the right to read and write in %s and the folders below it"
	case errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.EXDEV):
		why, fix = "its file system lacks hard links or file locks", "move %s to a local disk, to NFS or to a bucket"
	case errors.As(err, &errno):
		why, fix = "the file system fails", "see that %s can be reached and written, then call again"
	case errors.As(err, &onPath), errors.As(err, &onLink):
		why, fix = "a symbolic link on the way leads outside of the repository", "remove that link; everything in %s must lie in it"
	default:
		return err
	}
	return slipway.Errorf(slipway.Unavailable, "cannot %s %s: %s: %w", verb, r.at(key), why, err).WithFix(fix, r.path)
}

func (r *Repository) notFound(key string) error {
	return slipway.Errorf(slipway.NotFound, "there is no %s", r.at(key))
}

// blocked says that a file lies where a folder should be, or the reverse.
func (r *Repository) blocked(key string) error {
	if info, err := os.Stat(r.path); err != nil || !info.IsDir() {
		return notAFolder(r.path)
	}
	return slipway.Errorf(slipway.Conflict, "%s cannot be an object: a folder has this name, or an object has the name of a folder above it", r.at(key)).
		WithFix("choose another name; nothing was changed")
}

func notAFolder(path string) error {
	return slipway.Errorf(slipway.Unavailable, "the artifact repository %s is not a folder", path).
		WithFix("name a folder as the environment's repository, or move the file away")
}
