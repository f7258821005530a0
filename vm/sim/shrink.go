package sim

// Shrink looks for a smaller scenario of the same seed that fails too. It begins with the reduction less, which fails, and tries at most so many plays; it
// gives the smallest reduction that still fails, and what goes wrong there.
func Shrink(seed uint64, less string, plays int) (string, *Outcome) {
	full, err := Generate(seed, "")
	if err != nil {
		return less, &Outcome{Wrong: []string{err.Error()}}
	}
	best := play(seed, less)
	for again := true; again && plays > 0; {
		again = false
		r, err := parseReduction(less)
		if err != nil {
			return less, best
		}
		for _, smaller := range r.candidates(full) {
			if plays--; plays < 0 {
				break
			}
			if out := play(seed, smaller); len(out.Wrong) > 0 {
				less, best, again = smaller, out, true
				break
			}
		}
	}
	return less, best
}

func play(seed uint64, less string) *Outcome {
	s, err := Generate(seed, less)
	if err != nil || len(s.Job.Sinks) == 0 { // nothing is left of it
		return &Outcome{}
	}
	return Play(s, false)
}
