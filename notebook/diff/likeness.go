package diff

import (
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A sketch stands for a text when it is asked how alike two are: the hashes of
// its words, sorted, the smallest ones of a long text.
type sketch []uint64

// sketchSize is how many words of a text count.
const sketchSize = 256

// sketchText is how many bytes of a text are looked at.
const sketchText = 1 << 16

// sketchOf makes a text's sketch. A word that comes again is another one.
func sketchOf(text string) sketch {
	text = text[:min(len(text), sketchText)]
	s := make(sketch, 0, len(text)/4+1)
	for text != "" {
		n := wordLen(text)
		if word := text[:n]; !blank(word) {
			s = append(s, hashText(1, word))
		}
		text = text[n:]
	}
	slices.Sort(s)
	again, last := uint64(0), uint64(0)
	for i, word := range s {
		if again++; i == 0 || word != last {
			again, last = 0, word
		}
		s[i] = mix(word + again)
	}
	slices.Sort(s)
	if len(s) > sketchSize {
		s = slices.Clone(s[:sketchSize])
	}
	return s
}

// minPart is how many words a text must have to be recognised within a longer one.
const minPart = 6

// likeness is how much two texts have in common, from 0 to 1: twice the words
// in both by the words of each. A text that grew around another is much like it.
func (s sketch) likeness(other sketch) float32 {
	shared, all, i, j := 0, 0, 0, 0
	for ; all < sketchSize && (i < len(s) || j < len(other)); all++ {
		switch {
		case j == len(other) || i < len(s) && s[i] < other[j]:
			i++
		case i == len(s) || s[i] > other[j]:
			j++
		default:
			shared++
			i++
			j++
		}
	}
	if all == 0 {
		return 1
	}
	both := 2 * float32(shared) / float32(all+shared)
	if n := min(len(s), len(other)); n >= minPart && max(len(s), len(other)) < sketchSize {
		both = max(both, 0.8*float32(shared)/float32(n))
	}
	return both
}

// wordLen returns the length of the word that s begins with: letters and digits,
// white space within a line, or a single other character.
func wordLen(s string) int {
	first, n := utf8.DecodeRuneInString(s)
	class := classOf(first)
	for class != classOther && n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if classOf(r) != class {
			break
		}
		n += size
	}
	return n
}

const (
	classOther = iota
	classSpace
	classWord
)

func classOf(r rune) int {
	switch {
	case r == '_', r < utf8.RuneSelf && ('a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9'):
		return classWord
	case r == ' ', r == '\t':
		return classSpace
	case r >= utf8.RuneSelf && r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)):
		return classWord
	}
	return classOther
}

func blank(word string) bool {
	r, _ := utf8.DecodeRuneInString(word)
	return unicode.IsSpace(r)
}

// A likenesser tells how alike elements i of one and j of another sequence are;
// 0 for two that do not belong together. It may be asked about different elements
// at the same time.
type likenesser func(i, j int) float32

// maxPairs is how many pairs of elements are compared at once.
const maxPairs = 120 * 120

// cutPairs is how many are compared in each part of what is more: where it is cut
// is a guess, and a larger part is not a better one.
const cutPairs = 40 * 40

// manyPairs is how many are worth a goroutine. Parts have no element in common.
const manyPairs = 500 * 500

// alike pairs elements within a block so that the sum of their likeness is the
// largest, in order. A block that is too large is first cut.
func alike(r block, like likenesser) []pair {
	if (r.a1-r.a0)*(r.b1-r.b0) > maxPairs {
		return alikeInParts(r, like)
	}
	return alikeAtOnce(r, like)
}

func alikeInParts(r block, like likenesser) []pair {
	n, m := r.a1-r.a0, r.b1-r.b0
	if n*m <= cutPairs {
		return alikeAtOnce(r, like)
	}
	a, b := r.a0+n/2, r.b0+m/2
	first, last := block{r.a0, a, r.b0, b}, block{a, r.a1, b, r.b1}
	if n*m < manyPairs {
		return append(alikeInParts(first, like), alikeInParts(last, like)...)
	}
	var pairs, others []pair
	var group sync.WaitGroup
	group.Go(func() { pairs = alikeInParts(first, like) })
	group.Go(func() { others = alikeInParts(last, like) })
	group.Wait()
	return append(pairs, others...)
}

func alikeAtOnce(r block, like likenesser) []pair {
	n, m := r.a1-r.a0, r.b1-r.b0
	if n == 0 || m == 0 {
		return nil
	}
	best, score := make([]float32, (n+1)*(m+1)), make([]float32, n*m)
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			s := like(r.a0+i, r.b0+j)
			score[i*m+j] = s
			at := max(best[(i+1)*(m+1)+j], best[i*(m+1)+j+1])
			if s > 0 {
				at = max(at, s+best[(i+1)*(m+1)+j+1])
			}
			best[i*(m+1)+j] = at
		}
	}
	var pairs []pair
	for i, j := 0, 0; i < n && j < m; {
		here, s := best[i*(m+1)+j], score[i*m+j]
		switch {
		case s > 0 && here == s+best[(i+1)*(m+1)+j+1]:
			pairs = append(pairs, pair{r.a0 + i, r.b0 + j})
			i++
			j++
		case here == best[(i+1)*(m+1)+j]:
			i++
		default:
			j++
		}
	}
	return pairs
}
