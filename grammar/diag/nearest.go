package diag

import "slices"

// Nearest is the candidate that name is probably a misspelling of, or "" if all differ in more than half of its letters. Case counts less than
// any other difference. Short words with another letter are no misspellings: `nope` is not `none`, but `tpo` is `top`. Of equally near candidates the first in alphabetical order is taken, so that the answer does not depend on theirs.
func Nearest(name string, candidates []string) string {
	best, bestCost := "", 0
	for _, c := range candidates {
		cost, letters := editCost(name, c)
		if cost == 0 || cost > mostCost(letters) { // the name itself; too much
			continue
		}
		if best == "" || cost < bestCost || cost == bestCost && c < best {
			best, bestCost = c, cost
		}
	}
	return best
}

// Costs of one edit: a letter in the other case counts a tenth.
const (
	caseCost = 1
	fullCost = 10
)

// shortWord is the number of letters up to which a replaced letter, or a second edit, makes another word.
const shortWord = 4

// mostCost is what a misspelling of a word of that many letters may cost.
func mostCost(letters int) int {
	if letters <= shortWord {
		return min(fullCost+letters*caseCost, letters*fullCost/2+caseCost)
	}
	return letters * fullCost / 2
}

// editCost is the optimal string alignment distance of a and b (insert, delete, replace, swap of neighbours), and the letters of the longer one.
func editCost(a, b string) (cost, letters int) {
	x, y := []rune(a), []rune(b)
	letters = max(len(x), len(y))
	if skip := len(x) - len(y); max(skip, -skip)*fullCost > letters*fullCost/2 {
		return letters * fullCost, letters
	}
	other := fullCost
	if letters <= shortWord {
		other = 2 * fullCost
	}
	before, row, next := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range row {
		row[j] = j * fullCost
	}
	for i := range x {
		next[0] = (i + 1) * fullCost
		for j := range y {
			next[j+1] = min(row[j+1]+fullCost, next[j]+fullCost, row[j]+replaceCost(x[i], y[j], other))
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				next[j+1] = min(next[j+1], before[j-1]+fullCost)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(y)], letters
}

// replaceCost is that of b in the place of a; other is what another letter costs.
func replaceCost(a, b rune, other int) int {
	switch {
	case a == b:
		return 0
	case lower(a) == lower(b):
		return caseCost
	}
	return other
}

// lower folds ASCII only: names of other scripts are compared as they are.
func lower(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// Listed is candidates in alphabetical order, as help shows them: "a, b, c".
func Listed(candidates []string) string {
	sorted := slices.Sorted(slices.Values(candidates))
	var b []byte
	for i, c := range sorted {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, c...)
	}
	return string(b)
}
