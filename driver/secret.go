package driver

import (
	"maps"
	"regexp"
	"strings"
	"sync"
)

// Masked stands where a secret was.
const Masked = "***"

var secretName = regexp.MustCompile(`(?i)passw|secret|token|credential|api[-_]?key|private[-_]?key|access[-_]?key`)

// SecretName reports whether an argument of this name holds a secret, by what it is
// called. The address of a secret is none.
func SecretName(name, value string) bool {
	return value != "" && secretName.MatchString(name) && !strings.HasPrefix(value, "arn:") && !strings.HasPrefix(value, "s3://")
}

// secretValue is made when it is needed, as it takes a good part of the start of a
// command.
//
//nolint:gochecknoglobals // immutable
var secretValue = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b(AKIA|ASIA)[A-Z2-7]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}|` +
		`\bglpat-[\w-]{20,}|\bxox[abpors]-[\w-]{10,}|\bsk_live_\w{20,}|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.|[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@{}$]+@`)
})

// SecretValue reports whether a text is, or holds, a secret whatever it is called:
// keys of AWS, GitHub, Slack and others, tokens, private keys, and addresses with a
// password.
func SecretValue(text string) bool { return secretValue().MatchString(text) }

// MaskArguments are the arguments of a run as they may be kept and shown. The run
// itself gets them as they are.
func MaskArguments(arguments map[string]string) map[string]string {
	out := maps.Clone(arguments)
	for name, value := range out {
		if SecretName(name, value) || SecretValue(value) {
			out[name] = Masked
		}
	}
	return out
}
