package lint

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/slipway-cd/slipway/leak"
	"github.com/slipway-cd/slipway/notebook"
)

// pattern makes a pattern when it is needed first: all of them together would be
// half a millisecond of the start of every command.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// What stands in code and belongs to one environment. The first group is what a
// message names.
//
//nolint:gochecknoglobals // immutable tables
var (
	accounts = []func() *regexp.Regexp{
		pattern(`\barn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:(\d{12}):`),
		pattern(`\b(\d{12})\.dkr\.ecr\.`),
		pattern(`(?i)\b(?:aws_?)?account(?:_?id|_?number)?["']?\s*[:=]\s*["']?(\d{12})\b`),
	}
	buckets = []func() *regexp.Regexp{
		pattern(`(?i)\bs3[an]?://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:[/"'\s]|$)`),
		pattern(`\bBucket\s*=\s*["']([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])["']`),
	}
	passwords = []func() *regexp.Regexp{
		pattern(`(?i)\b(?:\w*_)?(?:password|passwd|pwd|passphrase|secret_?key|secret_access_key|client_?secret)["']?\]?\s*[:=]\s*[rbu]?["']([^"']{3,})["']`),
		pattern(`(?i)\boptions?\(\s*["'](?:password|pwd)["']\s*,\s*["']([^"']{3,})["']`),
		pattern(`(?i)\bjdbc:[^"'\s]*[?&;](?:password|pwd)=([^&;"'\s{]{3,})`),
		pattern(`\b[a-z][a-z0-9+]*://[^/\s:@"'{}]+:([^@/\s"'{}]{3,})@`),
	}
	// notPasswords are texts that stand for a password, or for its type.
	notPasswords = pattern(`(?i)^(?:str|string|text|varchar.*|bytes|none|null|password|secret|\*+|\.+|x+)$|[{<$]|^arn:|^(?:your|my|some|the|enter|insert)[ _-]`)
)

// places reports account numbers, buckets and passwords in code. Comments are no
// code; a cell tagged parameters is where an account or a bucket may have a
// default.
func (r *run) places() {
	for _, c := range r.cells {
		if c.Type != notebook.Code || c.dropped || slices.ContainsFunc(c.magics, func(m string) bool { return m == "%%configure" || m == "%%tags" }) {
			continue
		}
		for n, line := range c.lines {
			if text := strings.TrimSpace(line); text == "" || strings.HasPrefix(text, "#") || strings.HasPrefix(text, "%") {
				continue
			}
			lower := strings.ToLower(line)
			if !c.HasTag(notebook.TagParameters) && hints(lower, "arn:", ".ecr.", "account") {
				r.placesIn(Account, c, n, accounts, "the AWS account %s; make it an argument of the job, with a value for each environment in slipway.yaml")
			}
			if !c.HasTag(notebook.TagParameters) && hints(lower, "s3", "bucket") {
				r.placesIn(Bucket, c, n, buckets, "the bucket %s; make the address an argument of the job, with a value for each environment in slipway.yaml")
			}
			if hints(lower, "pass", "pwd", "secret", "://") {
				r.password(c, n)
			}
		}
	}
}

// hints reports whether a line holds one of the words that the patterns need.
func hints(lower string, words ...string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(lower, word) })
}

func (r *run) placesIn(id string, c *cell, n int, patterns []func() *regexp.Regexp, message string) {
	for _, pattern := range patterns {
		for _, at := range pattern().FindAllStringSubmatchIndex(c.lines[n], -1) {
			r.report(id, c, n+1, at[2], message, c.lines[n][at[2]:at[3]])
		}
	}
}

// password reports a password, unless it was found as a secret.
func (r *run) password(c *cell, n int) {
	if r.told[place{SourceKey, c.number, n + 1}] {
		return
	}
	for _, pattern := range passwords {
		for _, at := range pattern().FindAllStringSubmatchIndex(c.lines[n], -1) {
			if text := c.lines[n][at[2]:at[3]]; !notPasswords().MatchString(text) {
				r.report(Password, c, n+1, at[2], "a password as text, %s; make it a reference in slipway.yaml, as in {secret: name/key}, and take it as an argument of the job", leak.Secret{Text: text}.Masked())
			}
		}
	}
}
