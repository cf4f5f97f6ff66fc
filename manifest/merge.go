package manifest

import (
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway/schema"
)

// Merge is what a file asks for before a change is merged. Paths are those of the
// file, such as merge.review[0]; ProblemAt takes them.
type Merge struct {
	Checks   []RequiredCheck `json:"checks,omitempty"` // of the platform alone
	External []ExternalCheck `json:"external,omitempty"`
	Review   []Review        `json:"review,omitempty"` // all of them
	Labels   Labels          `json:"labels,omitzero"`
	Rails    []string        `json:"rails,omitempty"` // environments; of the platform alone
}

// RequiredCheck is a check that the platform asks of every app.
type RequiredCheck struct {
	Name string    `json:"name"`
	If   Condition `json:"if,omitzero"`
	Path string    `json:"path,omitempty"`
}

// ExternalCheck is a check of another system. A check counts only if both its
// name and who issued it are as said.
type ExternalCheck struct {
	Name          string    `json:"name"`
	Pattern       string    `json:"pattern"` // of its name at the forge; * is any text
	App           string    `json:"app"`     // who issues it
	Required      bool      `json:"required"`
	NeutralIsFine bool      `json:"neutral_is_fine,omitempty"`
	If            Condition `json:"if,omitzero"`
	Path          string    `json:"path,omitempty"`
}

// Review is a review rule: Requires, or Any or All of other rules.
type Review struct {
	Name     string    `json:"name"`
	If       Condition `json:"if,omitzero"`
	Requires Requires  `json:"requires,omitzero"`
	Any      []Review  `json:"any,omitempty"`
	All      []Review  `json:"all,omitempty"`
	Path     string    `json:"path,omitempty"`
}

// Requires says whose approval is needed, and of how many.
type Requires struct {
	Count int `json:"count"`
	Who
	Permission   string   `json:"permission,omitempty"` // at the forge: write or admin
	Contributors bool     `json:"contributors,omitempty"`
	Comments     []string `json:"comments,omitempty"` // patterns of a line; * is any text
}

// IsZero reports whether nothing is said at all; a rule that asks for nobody's
// approval says so with a count of 0 and who might give one.
func (r Requires) IsZero() bool {
	return r.Count == 0 && r.Who.IsZero() && r.Permission == "" && !r.Contributors && len(r.Comments) == 0
}

// Who is some people, by the names that platform.yaml gives them. A team with a /
// is one of the forge.
type Who struct {
	Teams  []string `json:"teams,omitempty"`
	People []string `json:"people,omitempty"`
	Roles  []string `json:"roles,omitempty"`
}

// IsZero reports whether nobody is named.
func (w Who) IsZero() bool { return len(w.Teams)+len(w.People)+len(w.Roles) == 0 }

// Condition says which changes something is for: those of which all that is given
// holds.
type Condition struct {
	Files         []string `json:"files,omitempty"`
	OnlyFiles     []string `json:"only_files,omitempty"`
	Author        Who      `json:"author,omitzero"`
	Branches      []string `json:"branches,omitempty"`
	Labels        []string `json:"labels,omitempty"`
	WithoutLabels []string `json:"without_labels,omitempty"`
	LeastLines    *int     `json:"least_lines,omitempty"`
	MostLines     *int     `json:"most_lines,omitempty"`
	Draft         *bool    `json:"draft,omitempty"`
	Fork          *bool    `json:"fork,omitempty"`
	Apps          []string `json:"apps,omitempty"`
	Shapes        []string `json:"shapes,omitempty"`
}

// IsZero reports whether the condition is for all changes.
func (c Condition) IsZero() bool {
	return len(c.Files)+len(c.OnlyFiles)+len(c.Branches)+len(c.Labels)+len(c.WithoutLabels)+len(c.Apps)+len(c.Shapes) == 0 &&
		c.Author.IsZero() && c.LeastLines == nil && c.MostLines == nil && c.Draft == nil && c.Fork == nil
}

// Labels are labels without which, and with which, nothing is merged.
type Labels struct {
	Needs  []string `json:"needs,omitempty"`
	Blocks []string `json:"blocks,omitempty"`
}

func decodeMerge(v *schema.Value, path string) Merge {
	m := Merge{
		Labels: Labels{Needs: v.Get("labels", "needs").Texts(), Blocks: v.Get("labels", "blocks").Texts()},
		Rails:  v.Get("rails").Texts(),
		Review: decodeReviews(v.Get("review"), path+".review"),
	}
	for _, c := range v.Get("checks").Members() {
		m.Checks = append(m.Checks, RequiredCheck{Name: c.Key, If: decodeCondition(c.Value.Get("if")), Path: path + ".checks." + c.Key})
	}
	for _, c := range v.Get("external").Members() {
		required := c.Value.Get("required")
		m.External = append(m.External, ExternalCheck{
			Name: c.Key, Pattern: c.Value.Get("name").Text(), App: c.Value.Get("app").Text(),
			Required: !required.Given() || required.Bool(), NeutralIsFine: c.Value.Get("neutral").Text() == "pass",
			If: decodeCondition(c.Value.Get("if")), Path: path + ".external." + c.Key,
		})
	}
	return m
}

func decodeReviews(v *schema.Value, path string) []Review {
	var rules []Review
	for i, item := range v.Items() {
		at := path + "[" + strconv.Itoa(i) + "]"
		rules = append(rules, Review{
			Name: item.Get("name").Text(), If: decodeCondition(item.Get("if")), Requires: decodeRequires(item),
			Any: decodeReviews(item.Get("any"), at+".any"), All: decodeReviews(item.Get("all"), at+".all"), Path: at,
		})
	}
	return rules
}

func decodeRequires(rule *schema.Value) Requires {
	v := rule.Get("requires")
	if !rule.Has("requires") {
		return Requires{}
	}
	r := Requires{
		Count: 1, Who: decodeWho(v), Permission: v.Get("permission").Text(),
		Contributors: v.Get("contributors").Bool(), Comments: v.Get("comments").Texts(),
	}
	if count := v.Get("count"); count.Given() {
		r.Count = count.Int()
	}
	if r.Who.IsZero() && r.Permission == "" {
		r.Permission = "write"
	}
	return r
}

func decodeWho(v *schema.Value) Who {
	return Who{Teams: v.Get("teams").Texts(), People: v.Get("people").Texts(), Roles: v.Get("roles").Texts()}
}

func decodeCondition(v *schema.Value) Condition {
	number := func(v *schema.Value) *int {
		if !v.Given() {
			return nil
		}
		return new(v.Int())
	}
	truth := func(v *schema.Value) *bool {
		if !v.Given() {
			return nil
		}
		return new(v.Bool())
	}
	return Condition{
		Files: v.Get("files").Texts(), OnlyFiles: v.Get("only_files").Texts(), Author: decodeWho(v.Get("author")),
		Branches: v.Get("branches").Texts(), Labels: v.Get("labels").Texts(), WithoutLabels: v.Get("without_labels").Texts(),
		LeastLines: number(v.Get("lines", "least")), MostLines: number(v.Get("lines", "most")),
		Draft: truth(v.Get("draft")), Fork: truth(v.Get("fork")),
		Apps: v.Get("apps").Texts(), Shapes: v.Get("shapes").Texts(),
	}
}

// ProblemAt makes a complaint about the value at a path of the file, such as
// review[0].requires.teams. Where the value is not written, it is about the
// nearest one above it.
func (m *Manifest) ProblemAt(path, message string) schema.Problem {
	return m.doc.Problem(placeOf(m.tree, path), path, message)
}

// ProblemAt makes a complaint about the value at a path of the file, as that of
// Manifest does.
func (p *Platform) ProblemAt(path, message string) schema.Problem {
	return p.doc.Problem(placeOf(p.tree, path), path, message)
}

// placeOf finds the value at a path whose keys hold no dots and brackets. Of a
// key, the place is that of the key itself if its value is a map.
func placeOf(at *schema.Value, path string) schema.Pos {
	pos := schema.Pos{}
	for _, part := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		next := at.Get(part)
		if i, err := strconv.Atoi(part); err == nil && at != nil && at.Kind == schema.List && i < len(at.Items()) {
			next = at.Items()[i]
		}
		if next == nil {
			return pos
		}
		pos = next.Pos
		if (next.Kind == schema.Map || next.Kind == schema.Object) && at.Kind != schema.List {
			pos = at.KeyPos(part)
		}
		at = next
	}
	return pos
}
