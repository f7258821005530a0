package eval

// Kernels of comparisons. With neg set they give the opposite; the xor costs nothing beside the loads. The pick kernels write each row and move on
// only if it fits, so they have no branch to mispredict.

type number interface{ int64 | float64 }

func equalConst[T number](out []bool, a []T, c T, neg bool, rows []int32) {
	for _, r := range rows {
		out[r] = (a[r] == c) != neg
	}
}

func lessConst[T number](out []bool, a []T, c T, neg bool, rows []int32) {
	for _, r := range rows {
		out[r] = (a[r] < c) != neg
	}
}

func moreConst[T number](out []bool, a []T, c T, neg bool, rows []int32) {
	for _, r := range rows {
		out[r] = (a[r] > c) != neg
	}
}

func equalLanes[T number](out []bool, a, b []T, neg bool, rows []int32) {
	for _, r := range rows {
		out[r] = (a[r] == b[r]) != neg
	}
}

func lessLanes[T number](out []bool, a, b []T, neg bool, rows []int32) {
	for _, r := range rows {
		out[r] = (a[r] < b[r]) != neg
	}
}

func pickEqualConst[T number](dst []int32, a []T, c T, neg bool, rows []int32) []int32 {
	j := 0
	for _, r := range rows {
		dst[j] = r
		j += b2i((a[r] == c) != neg)
	}
	return dst[:j]
}

func pickLessConst[T number](dst []int32, a []T, c T, neg bool, rows []int32) []int32 {
	j := 0
	for _, r := range rows {
		dst[j] = r
		j += b2i((a[r] < c) != neg)
	}
	return dst[:j]
}

func pickMoreConst[T number](dst []int32, a []T, c T, neg bool, rows []int32) []int32 {
	j := 0
	for _, r := range rows {
		dst[j] = r
		j += b2i((a[r] > c) != neg)
	}
	return dst[:j]
}

func pickEqual[T number](dst []int32, a, b []T, neg bool, rows []int32) []int32 {
	j := 0
	for _, r := range rows {
		dst[j] = r
		j += b2i((a[r] == b[r]) != neg)
	}
	return dst[:j]
}

func pickLess[T number](dst []int32, a, b []T, neg bool, rows []int32) []int32 {
	j := 0
	for _, r := range rows {
		dst[j] = r
		j += b2i((a[r] < b[r]) != neg)
	}
	return dst[:j]
}
