package cli

import (
	"context"
	"net/url"
	"os"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/store"
)

// inDatabase is a command that may work in a PostgreSQL database.
type inDatabase struct {
	Database string `placeholder:"URL" env:"SLIPWAY_DATABASE" help:"The PostgreSQL database that servers share: postgres://USER@HOST/DATABASE. Default: server.database of the platform file, else a file in the data folder."`
}

// passwordSecret is the secret that the password of a database is where nothing else
// is said.
const passwordSecret = "database/password"

// where is the URL of the database, with its password; empty: there is none, and the
// data folder has a file.
func (d inDatabase) where(s *session) (string, error) {
	secret, at := passwordSecret, d.Database
	if at == "" && s.globals.Platform != "" {
		p, err := s.platformFile()
		if err != nil {
			return "", err
		}
		at = p.Server.Database.URL
		if name := p.Server.Database.Password.Name; name != "" {
			secret = name
		}
	}
	if at == "" {
		return "", nil
	}
	if !store.IsURL(at) {
		return "", slipway.Errorf(slipway.Invalid, "%s is not the URL of a PostgreSQL database", at).WithFix("write postgres://USER@HOST/DATABASE; without one the server has a file in its data folder")
	}
	return withPassword(s.ctx, at, func(ctx context.Context) (string, error) {
		password, err := s.env.Secrets(ctx, secret)
		if err != nil && secret == passwordSecret {
			return "", nil // there is none: the driver looks into PGPASSWORD and ~/.pgpass
		}
		return password, err
	})
}

// withPassword puts a password into a URL that has none.
func withPassword(ctx context.Context, at string, password func(context.Context) (string, error)) (string, error) {
	u, err := url.Parse(at)
	if err != nil {
		return at, nil //nolint:nilerr // who opens it says what is wrong with it, and shows no password
	}
	if _, has := u.User.Password(); has || u.Query().Has("password") {
		return at, nil
	}
	text, err := password(ctx)
	if err != nil || text == "" {
		return at, err
	}
	q := u.Query()
	q.Set("password", text)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// platformFile reads the platform file that is named.
func (s *session) platformFile() (*manifest.Platform, error) {
	file := s.path(s.globals.Platform)
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, slipway.Errorf(slipway.NotFound, "cannot read the platform file: %w", err).WithFix("name it with --platform")
	}
	return manifest.LoadPlatform(file, data)
}
