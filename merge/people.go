package merge

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
)

// people knows who is who. Logins are compared without regard to case, as forges
// do: one person must not be two.
type people struct {
	platform    *Platform
	names       map[string]string // login to the name in platform.yaml
	emails      map[string]string // e-mail address to login
	permissions map[string]string // by login
	members     map[string][]string
}

func fold(login string) string { return strings.ToLower(strings.TrimSpace(login)) }

func newPeople(f *Facts) *people {
	p := &people{platform: f.Rules.Platform, names: map[string]string{}, emails: map[string]string{}, permissions: map[string]string{}, members: map[string][]string{}}
	if p.platform == nil {
		p.platform = &Platform{}
	}
	for _, name := range slices.Sorted(maps.Keys(p.platform.People)) {
		person := p.platform.People[name]
		if login := fold(person.Login); login != "" {
			p.names[login] = name
			if person.Email != "" {
				p.emails[fold(person.Email)] = login
			}
		}
	}
	for login, permission := range f.Permissions {
		p.permissions[fold(login)] = permission
	}
	for team, logins := range f.Members {
		p.members[fold(team)] = logins
	}
	return p
}

// shown is what people call a login.
func (p *people) shown(login string) string {
	if name, ok := p.names[fold(login)]; ok {
		return name
	}
	return login
}

func (p *people) who(login string) Who {
	return Who{Kind: WhoPerson, Name: p.shown(login), Login: login}
}

// may reports whether a login has a permission at the forge.
func (p *people) may(login, permission string) bool {
	has := p.permissions[fold(login)]
	return has == "admin" || has == "write" && permission == "write"
}

// isMember reports whether a login is of the house: in platform.yaml, or one who
// may write to the repository.
func (p *people) isMember(login string) bool {
	_, named := p.names[fold(login)]
	return named || p.may(login, "write") && !isBot(login)
}

// isBot reports whether a login is that of an app of the forge, which reviews for
// nobody.
func isBot(login string) bool { return strings.HasSuffix(fold(login), "[bot]") }

// A group is some people.
type group struct {
	logins     map[string]bool // in lower case
	permission string          // everybody with it is in the group too
	unknown    []string        // what of it nobody knows, a clause each
	nameless   []string        // people in it who have no login
}

func (p *people) group(w manifest.Who, permission string) group {
	g := group{logins: map[string]bool{}, permission: permission}
	for _, name := range w.People {
		p.addPerson(&g, name)
	}
	for _, role := range w.Roles {
		p.addAll(&g, "role", role, p.platform.Roles)
	}
	for _, team := range w.Teams {
		if !strings.Contains(team, "/") {
			p.addAll(&g, "team", team, p.platform.Teams)
			continue
		}
		logins, ok := p.members[fold(team)]
		if !ok {
			g.unknown = append(g.unknown, fmt.Sprintf("the members of team %s are not known", team))
		}
		for _, login := range logins {
			g.logins[fold(login)] = true
		}
	}
	return g
}

func (p *people) addAll(g *group, what, name string, all map[string][]string) {
	names, ok := all[name]
	if !ok {
		g.unknown = append(g.unknown, fmt.Sprintf("there is no %s %s", what, name))
	}
	for _, person := range names {
		p.addPerson(g, person)
	}
}

func (p *people) addPerson(g *group, name string) {
	person, ok := p.platform.People[name]
	switch login := fold(person.Login); {
	case !ok:
		g.unknown = append(g.unknown, "there is no person "+name)
	case login == "":
		g.nameless = append(g.nameless, name)
	default:
		g.logins[login] = true
	}
}

// has reports whether a login is in the group. An app of the forge is in it only
// if it is named.
func (p *people) has(g group, login string) bool {
	if g.logins[fold(login)] {
		return true
	}
	return g.permission != "" && !isBot(login) && p.may(login, g.permission)
}

// sorted are the logins of the group by what people call them.
func (p *people) sorted(g group) []string {
	logins := make([]string, 0, len(g.logins))
	for login := range g.logins {
		logins = append(logins, login)
	}
	slices.SortFunc(logins, func(a, b string) int { return strings.Compare(p.shown(a)+"\n"+a, p.shown(b)+"\n"+b) })
	return logins
}

// words says who is meant, such as "team data or mara".
func words(w manifest.Who, permission string, count int) string {
	var parts []string
	for _, team := range w.Teams {
		parts = append(parts, "team "+team)
	}
	for _, role := range w.Roles {
		parts = append(parts, "role "+role)
	}
	parts = append(parts, w.People...)
	switch {
	case permission == "":
	case count > 1:
		parts = append(parts, "people who may "+permissionWord(permission))
	default:
		parts = append(parts, "somebody who may "+permissionWord(permission))
	}
	return strings.Join(parts, " or ")
}

func permissionWord(permission string) string {
	if permission == "admin" {
		return "administer"
	}
	return permission
}

var (
	coAuthor = regexp.MustCompile(`(?im)^co-authored-by:.*<([^<>\s]+)>\s*$`)
	noReply  = regexp.MustCompile(`^(?:[0-9]+\+)?([^@+]+)@users\.noreply\.`)
)

// contributors are those who wrote or committed a part of the change: authors,
// committers, and co-authors whose e-mail address says who they are. Who did no
// more than bring the base in is none.
func (p *people) contributors(pr slipway.PullRequest, pushes []Push) map[string]bool {
	all := map[string]bool{}
	for _, c := range pr.Commits {
		if len(c.Parents) > 1 && slices.ContainsFunc(pushes, func(p Push) bool { return p.OnlyBase && p.Head == c.ID }) {
			continue
		}
		all[fold(c.Author)], all[fold(c.Committer)] = true, true
		if !strings.Contains(c.Message, "<") {
			continue
		}
		for _, m := range coAuthor.FindAllStringSubmatch(c.Message, -1) {
			email := fold(m[1])
			if login, ok := p.emails[email]; ok {
				all[login] = true
			} else if by := noReply.FindStringSubmatch(email); by != nil {
				all[by[1]] = true
			}
		}
	}
	delete(all, "")
	return all
}
