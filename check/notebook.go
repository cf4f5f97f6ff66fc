package check

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

// NotebookTests is the name of the check that runs a notebook's test cells.
const NotebookTests = "notebook-tests"

//go:embed notebook_tests.py
var notebookTests string

// Notebook is a notebook that was built, for its test cells to be run.
type Notebook struct {
	Name      string   `json:"notebook"`  // as people know it
	Script    string   `json:"script"`    // the file that the build made of it
	Tests     string   `json:"tests"`     // the file that the build made of its cells tagged tests
	Modules   []string `json:"modules"`   // where the job imports its modules from, beside its packages
	Arguments []string `json:"arguments"` // of the job: "--source", "data/traffic.csv"
}

// Spec returns the check that runs the test cells. It is required, and needs
// python3 on the PATH. The cells of the notebook run in order down to the last
// test cell, as if the script were imported; every test cell is a test, and so
// is every test_ function and every method of a unittest.TestCase that it
// defines.
func (n Notebook) Spec() (Spec, error) {
	question, err := json.Marshal(n)
	if err != nil {
		return Spec{}, fmt.Errorf("describe the tests of %s: %w", n.Name, err)
	}
	return Spec{
		Name: NotebookTests, Required: true, JUnit: reportsPrefix + NotebookTests + ".xml",
		Run: Command{Args: []string{"python3", "-c", notebookTests, string(question)}},
	}, nil
}
