package schema

import "strings"

// Nearest returns the one of the choices that is most like the word, or "" if
// none is near enough to be meant. Case and the signs between words do not
// count: WorkerType is worker_type.
func Nearest(word string, choices []string) string {
	best, bestAt := "", 1+limit(word)
	if len(word) > 100 {
		return ""
	}
	for _, choice := range choices {
		at := distance(squeeze(word), squeeze(choice))
		if at < bestAt {
			best, bestAt = choice, at
		}
	}
	return best
}

// limit is the number of slips that a word of that length may hold.
func limit(word string) int {
	return max(1, len([]rune(squeeze(word)))/3)
}

func squeeze(word string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(word))
}

// distance counts the letters to insert, remove, change or swap with their
// neighbour between two words.
func distance(from, to string) int {
	a, b := []rune(from), []rune(to)
	prev, row := make([]int, len(b)+1), make([]int, len(b)+1)
	var before []int
	for j := range row {
		row[j] = j
	}
	for i := range a {
		before, prev, row = prev, row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range b {
			row[j+1] = min(prev[j+1], row[j]) + 1
			same := prev[j]
			if a[i] != b[j] {
				same++
			}
			row[j+1] = min(row[j+1], same)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
