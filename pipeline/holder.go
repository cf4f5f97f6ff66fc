package pipeline

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// holderID is under which id this state folder holds leases. Only one process
// at a time changes a state folder, so the next one may take over at once what a
// killed one held; the folder's path and who is at work on which machine are part
// of the id, so that a copy of the folder is another holder.
func holderID(folder, who string) (string, error) {
	file := filepath.Join(folder, "holder")
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(data) < 24 {
		data, err = makeHolder(file)
	}
	if err != nil {
		return "", unwritable(folder, err)
	}
	return strings.TrimSpace(string(data)) + "-" + digestOf(folder, who), nil
}

// makeHolder writes a new id.
func makeHolder(file string) ([]byte, error) {
	id, err := newID()
	if err != nil {
		return nil, err
	}
	return []byte(id), writeFile(file, []byte(id+"\n"))
}

// writeFile writes a small file of the state folder, wholly or not at all. Only
// one process does so at a time.
func writeFile(file string, data []byte) error {
	next := file + ".new"
	if err := os.WriteFile(next, data, 0o600); err != nil {
		return err
	}
	return os.Rename(next, file)
}
