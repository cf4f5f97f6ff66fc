package repository

import (
	"strings"

	"github.com/slipway-cd/slipway"
)

const (
	maxKey     = 800 // bytes, so that a prefix of the bucket's fits beside it
	maxSegment = 255 // bytes, as file systems have it
	safe       = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+=@"
)

// CheckKey says whether key can name an object: relative and clean, segments of
// letters, digits and "._-+=@" with single slashes between them, none of which
// begins with a dot. The error is of kind Invalid and says what is wrong.
func CheckKey(key string) error {
	if len(key) > maxKey {
		return badKey(key[:40]+"...", "it is longer than %d bytes", maxKey)
	}
	for segment := range strings.SplitSeq(key, "/") {
		bad := strings.TrimLeft(segment, safe)
		switch {
		case segment == "":
			return badKey(key, "it is empty between slashes, at its beginning or at its end")
		case segment[0] == '.':
			return badKey(key, "%q begins with a dot", segment)
		case len(segment) > maxSegment:
			return badKey(key, "%q is longer than %d bytes", segment[:40]+"...", maxSegment)
		case bad != "":
			return badKey(key, "it holds %q", []rune(bad)[0])
		}
	}
	return nil
}

func badKey(key, why string, args ...any) error {
	return slipway.Errorf(slipway.Invalid, "%q cannot be a key in an artifact repository: "+why, append([]any{key}, args...)...).
		WithFix("use letters, digits and ._-+=@, with single slashes between the parts, such as traffic-etl/releases/v1.4.0.json")
}
