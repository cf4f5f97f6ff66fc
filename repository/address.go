package repository

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/slipway-cd/slipway"
)

// An Address says where a repository at a store is: scheme://host/prefix?options.
type Address struct {
	Host    string // the bucket's, or container's, name
	Prefix  string // of all keys in it, without slashes at its ends; may be empty
	Options url.Values

	text, example string
}

// ParseAddress reads the address of a repository with a scheme, such as "gs", in a
// place of a store that is called what, such as "bucket". The example stands in
// errors, which are of kind Invalid, as the way out.
func ParseAddress(address, scheme, what, example string) (Address, error) {
	a := Address{text: address, example: example}
	u, err := url.Parse(address)
	if err != nil {
		return a, a.Wrong(errors.New("it is no URL"))
	}
	a.Host, a.Prefix, a.Options = u.Host, strings.Trim(u.Path, "/"), u.Query()
	switch {
	case u.Scheme != scheme:
		return a, a.Wrong(fmt.Errorf("it does not begin with %s://", scheme))
	case u.Host == "":
		return a, a.Wrong(fmt.Errorf("it names no %s", what))
	case a.Prefix != "":
		if err := CheckKey(a.Prefix); err != nil {
			return a, a.Wrong(err)
		}
	}
	return a, nil
}

// Wrong is the error of an address in which something is wrong.
func (a Address) Wrong(why error) error {
	return slipway.Errorf(slipway.Invalid, "%q cannot be the address of an artifact repository: %v", a.text, why).WithFix("write it as %s", a.example)
}
