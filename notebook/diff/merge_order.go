package diff

import "slices"

// A node is a cell of the merged notebook: its place in each of the three, -1
// where it is not.
type node struct {
	base, ours, theirs int
	byThem             bool // they placed it, by adding or moving it
}

// order says which cells the merged notebook has, and in which order. It is our
// order; a cell that they added or moved comes behind the one that it follows in
// theirs, and behind what we added there.
func (m *merger) order() []node {
	byOurs, byTheirs := m.nodes()
	c := chain{next: map[*node]*node{}}
	at := &c.head
	for _, n := range byOurs {
		if n != nil && !n.byThem && m.stays(n) {
			c.next[at] = n
			at = n
		}
	}
	at = &c.head
	for _, n := range byTheirs {
		if !m.stays(n) {
			continue
		}
		if n.byThem {
			c.insert(at, n)
		}
		at = n
	}
	return c.list()
}

// nodes returns the cells of either side, in its order.
func (m *merger) nodes() (byOurs, byTheirs []*node) {
	byOurs, byTheirs = make([]*node, len(m.ours.cells)), make([]*node, len(m.theirs.cells))
	byBase := make([]*node, len(m.base.cells))
	for i := range byBase {
		byBase[i] = &node{base: i, ours: -1, theirs: -1}
	}
	ours, theirs := align(m.base, m.ours), align(m.base, m.theirs)
	weMoved := map[int]bool{}
	for _, p := range slices.Concat(ours.inOrder, ours.moved) {
		byBase[p.a].ours, byOurs[p.b] = p.b, byBase[p.a]
	}
	for _, p := range ours.moved {
		weMoved[p.a] = true
	}
	for _, p := range slices.Concat(theirs.inOrder, theirs.moved) {
		byBase[p.a].theirs, byTheirs[p.b] = p.b, byBase[p.a]
	}
	for _, p := range theirs.moved {
		byBase[p.a].byThem = !weMoved[p.a]
	}
	m.added(byOurs, byTheirs)
	for _, n := range byTheirs {
		n.byThem = n.byThem || n.ours < 0
	}
	return byOurs, byTheirs
}

// added makes the nodes of cells that are not in the base. A cell that both sides
// added is one cell.
func (m *merger) added(byOurs, byTheirs []*node) {
	for i, n := range byOurs {
		if n == nil {
			byOurs[i] = &node{base: -1, ours: i, theirs: -1}
		}
	}
	for _, p := range m.twins(byOurs, byTheirs) {
		byOurs[p.a].theirs, byTheirs[p.b] = p.b, byOurs[p.a]
	}
	for j, n := range byTheirs {
		if n == nil {
			byTheirs[j] = &node{base: -1, ours: -1, theirs: j}
		}
	}
}

// twins pairs cells that both sides added: with one id, or with one source.
func (m *merger) twins(byOurs, byTheirs []*node) []pair {
	var ours, theirs []int
	for i, n := range byOurs {
		if n.base < 0 {
			ours = append(ours, i)
		}
	}
	for j, n := range byTheirs {
		if n == nil {
			theirs = append(theirs, j)
		}
	}
	c := newComparison(m.ours, m.theirs)
	pairs, ours, theirs := c.pairUp(nil, ours, theirs, func(f *cellFacts) string { return f.id })
	same, _, _ := c.pairUp(nil, ours, theirs, func(f *cellFacts) string { return f.kind + "\x00" + f.source })
	return append(pairs, same...)
}

// stays reports whether a cell is in the merged notebook: nobody removed it, or
// the other side gave it another source.
func (m *merger) stays(n *node) bool {
	switch {
	case n.base < 0, n.ours >= 0 && n.theirs >= 0:
		return true
	case n.ours >= 0:
		return !sameCode(m.base.cells[n.base], m.ours.cells[n.ours])
	case n.theirs >= 0:
		return !sameCode(m.base.cells[n.base], m.theirs.cells[n.theirs])
	}
	return false
}

func sameCode(a, b *value) bool {
	return a.str("cell_type") == b.str("cell_type") && a.str("source") == b.str("source")
}

// A chain is a list that grows in the middle.
type chain struct {
	head node
	next map[*node]*node
}

// insert puts n behind at, and behind the cells that only we added there.
func (c *chain) insert(at, n *node) {
	for next := c.next[at]; next != nil && next.base < 0 && next.theirs < 0; next = c.next[at] {
		at = next
	}
	c.next[n], c.next[at] = c.next[at], n
}

func (c *chain) list() []node {
	var out []node
	for n := c.next[&c.head]; n != nil; n = c.next[n] {
		out = append(out, *n)
	}
	return out
}
