package local

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
)

// secretsFile has the arguments of a run that are masked in its request. It is there
// until the run's supervisor has read it, and only its owner may read it.
const secretsFile = "secrets.json"

// writeSecrets keeps the arguments that a request has masked, if there are some.
func writeSecrets(folder string, given, masked map[string]string) error {
	secrets := maps.Clone(given)
	maps.DeleteFunc(secrets, func(name, value string) bool { return masked[name] == value })
	if len(secrets) == 0 {
		return nil
	}
	return writeJSON(filepath.Join(folder, secretsFile), secrets)
}

// readSecrets reads what writeSecrets kept.
func readSecrets(folder string) (map[string]string, error) {
	var secrets map[string]string
	err := readJSON(filepath.Join(folder, secretsFile), &secrets)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return secrets, err
}

// forgetSecrets removes them. A run that has begun is not begun again.
func forgetSecrets(folder string) error {
	if err := os.Remove(filepath.Join(folder, secretsFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
