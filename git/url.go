package git

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/slipway-cd/slipway"
)

// withoutCredentials returns a remote's URL as it may be shown and stored.
func withoutCredentials(remote string) string {
	if !strings.Contains(remote, "://") {
		return remote // a folder, or user@host:path of ssh, which holds no secret
	}
	u, err := url.Parse(remote)
	if err != nil {
		scheme, rest, _ := strings.Cut(remote, "://")
		return scheme + "://" + rest[strings.LastIndex(rest, "@")+1:]
	}
	switch {
	case u.User == nil:
	case u.Scheme == "ssh":
		u.User = url.User(u.User.Username())
	default:
		u.User = nil
	}
	if u.Scheme == "http" || u.Scheme == "https" {
		u.RawQuery = ""
	}
	return u.String()
}

// scpLike is ssh's short form: user@host:path.
var scpLike = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:[^-:].*$`)

// checkURL says whether a remote may be fetched from.
func checkURL(remote string) error {
	bad := slipway.Errorf(slipway.Invalid, "%q cannot be fetched from", withoutCredentials(remote)).
		WithFix("use an https://, ssh:// or file:// URL, or user@host:path")
	if strings.ContainsAny(remote, "\x00\n\r\t ") {
		return bad
	}
	scheme, _, ok := strings.Cut(remote, "://")
	if !ok {
		if scpLike.MatchString(remote) {
			return nil
		}
		return bad
	}
	u, err := url.Parse(remote)
	switch {
	case err != nil:
		return bad
	case scheme == "file" && u.Host == "" && strings.HasPrefix(u.Path, "/"):
		return nil
	case (scheme == "https" || scheme == "ssh") && u.Host != "" && !strings.HasPrefix(u.Host, "-"):
		return nil
	}
	return bad
}

// refName is a branch, a tag or a commit; the rules of git check-ref-format that
// it leaves out are in checkRef.
var refName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._/+@-]*$`)

// checkRef says whether ref can name a branch, a tag or a commit.
func checkRef(ref string) error {
	bad := len(ref) > 200 || !refName.MatchString(ref) || strings.HasSuffix(ref, "/") || strings.HasSuffix(ref, ".")
	for _, s := range []string{"..", "//", "/.", "@{"} {
		bad = bad || strings.Contains(ref, s)
	}
	bad = bad || strings.Contains(ref+"/", ".lock/")
	if !bad {
		return nil
	}
	return slipway.Errorf(slipway.Invalid, "%q cannot be a branch, tag or commit", ref).
		WithFix("name one such as main, v1.2.0 or a full commit")
}
