package mask

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// leastLine is the length from which a line of a secret, and a secret in another
// encoding, is hidden: what is shorter may stand anywhere.
const leastLine = 8

// forms are the texts that give a secret away.
func forms(secret string) []string {
	all := []string{secret}
	for line := range strings.SplitSeq(secret, "\n") {
		if line = strings.TrimSpace(line); len(line) >= leastLine && line != secret {
			all = append(all, line)
		}
	}
	for _, plain := range slices.Clone(all) {
		for _, form := range encoded(plain) {
			if len(form) >= leastLine {
				all = append(all, form)
			}
		}
	}
	return all
}

func encoded(plain string) []string {
	digits := hex.EncodeToString([]byte(plain))
	all := []string{url.QueryEscape(plain), url.PathEscape(plain), digits, strings.ToUpper(digits)}
	all = append(all, inJSON(plain)...)
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		all = append(all, e.EncodeToString([]byte(plain)))
		for before := range 3 {
			all = append(all, within(e, plain, before))
		}
	}
	return append(all, wrapped(plain)...)
}

// inJSON is the secret as it stands in a JSON text, with and without the escapes
// for HTML.
func inJSON(plain string) []string {
	data, err := json.Marshal(plain)
	if err != nil {
		return nil // a text can always be written
	}
	whole := string(data[1 : len(data)-1])
	return []string{whole, strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(whole)}
}

// within is what base64 makes of the secret behind so many bytes of something
// else, without the characters that the neighbours have a part in.
func within(e *base64.Encoding, plain string, before int) string {
	text := e.EncodeToString(append(make([]byte, before), plain...))
	first := (before*8 + 5) / 6
	last := (before + len(plain)) * 8 / 6
	return text[min(first, last):last]
}

// wrapped are the lines that base64 and openssl print of a long secret.
func wrapped(plain string) []string {
	var lines []string
	text := base64.RawStdEncoding.EncodeToString([]byte(plain))
	for _, width := range []int{76, 64} {
		if len(text) <= width {
			continue
		}
		for line := range slices.Chunk([]byte(text), width) {
			lines = append(lines, string(line))
		}
	}
	return lines
}
