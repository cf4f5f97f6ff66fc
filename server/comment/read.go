package comment

import (
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/schema"
)

// read takes the words behind a command's name.
func (r rule) read(c *Command, words []string) error {
	o, at := options{}, []string{}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		name, value, err := r.option(word, &words)
		switch {
		case err != nil:
			return err
		case name != "":
			if _, twice := o[name]; twice {
				return slipway.Errorf(slipway.Invalid, "%s is there twice", name)
			}
			o[name] = value
			continue
		}
		if _, behind := o[r.after]; r.text != "" && behind { // the rest is what somebody has to say
			if _, twice := o[r.text]; twice {
				return slipway.Errorf(slipway.Invalid, "%s is there twice", r.text)
			}
			o[r.text], o[bare] = word+rest(&words, " "), "yes"
			continue
		}
		if slices.Contains(r.fill, strings.ToLower(word)) {
			continue
		}
		at = append(at, word)
	}
	c.App = o["app"]
	return r.take(c, at, o)
}

// option reads an option, with its value from the words behind it. A text goes as far
// as the next option.
func (r rule) option(word string, words *[]string) (name, value string, err error) {
	spelling := strings.ToLower(word)
	if same, ok := spelled[spelling]; ok {
		spelling = same
	}
	if long, ok := strings.CutPrefix(spelling, "--"); ok {
		name, _, _ = strings.Cut(long, "=")
		_, value, _ = strings.Cut(word, "=")
	} else if name = keywords[spelling]; !slices.Contains(r.options, name) {
		return "", "", nil
	}
	known := append([]string{"app"}, append(slices.Clone(r.options), r.flags...)...)
	switch {
	case !slices.Contains(known, name):
		err := slipway.Errorf(slipway.Invalid, "%s has no --%s", r.name, clip(name))
		if near := schema.Nearest(name, known); near != "" {
			return "", "", err.WithFix("did you mean --%s?", near)
		}
		return "", "", err.WithFix("it is: %s %s", Word, r.usage)
	case slices.Contains(r.flags, name):
		return name, "", nil
	case name == "why" || name == "comment":
		value += rest(words, "")
	case value == "" && len(*words) > 0:
		value, *words = (*words)[0], (*words)[1:]
	}
	if value == "" {
		return "", "", slipway.Errorf(slipway.Invalid, "behind %s something is missing", clip(word)).WithFix("it is: %s %s", Word, r.usage)
	}
	return name, strings.TrimSpace(value), nil
}

// rest takes the words up to the next option.
func rest(words *[]string, before string) string {
	n := slices.IndexFunc(*words, func(w string) bool { return strings.HasPrefix(w, "--") })
	if n < 0 {
		n = len(*words)
	}
	text := strings.Join((*words)[:n], " ")
	*words = (*words)[n:]
	if text == "" {
		return ""
	}
	return before + text
}

// ruleOf finds how a command is written.
func ruleOf(name string) (rule, bool) {
	all := grammar()
	i := slices.IndexFunc(all, func(r rule) bool { return r.name == name })
	if i < 0 {
		return rule{}, false
	}
	return all[i], true
}
