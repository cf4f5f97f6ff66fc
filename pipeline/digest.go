package pipeline

import (
	"encoding/json"

	"github.com/slipway-cd/slipway"
)

// digestOf names a list of texts by sixteen digits.
func digestOf(texts ...string) string {
	data, err := json.Marshal(texts)
	if err != nil {
		panic(err) // texts can always be written
	}
	return slipway.DigestOf(data).Hex()[:16]
}

// subjectOf names what a deployment deploys: asked for again, it is the same.
func subjectOf(in DeployInput) (string, error) {
	in.By = ""
	data, err := json.Marshal(in)
	if err != nil {
		return "", err
	}
	return digestOf(string(data)), nil
}
