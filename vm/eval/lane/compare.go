package lane

// Kernels of comparisons. With neg set they give the opposite; the xor costs nothing beside the loads. The pick kernels write each row and move on
// only if it fits, so they have no branch to mispredict.

// Number is what lanes hold that have an order.
type Number interface{ int64 | float64 }

// EqualConst is a == c.
func EqualConst[T Number](out []bool, a []T, c T, neg bool, rows []int32) {
	for _, r := range rows {
		out[r] = (a[r] == c) != neg
	}
}

// LessConst is a < c.
func LessConst[T Number](out []bool, a []T, c T, neg bool, rows []int32) {
	for _, r := range rows {
		out[r] = (a[r] < c) != neg
	}
}

// MoreConst is a > c.
func MoreConst[T Number](out []bool, a []T, c T, neg bool, rows []int32) {
	for _, r := range rows {
		out[r] = (a[r] > c) != neg
	}
}

// EqualLanes is a == b.
func EqualLanes[T Number](out []bool, a, b []T, neg bool, rows []int32) {
	for _, r := range rows {
		out[r] = (a[r] == b[r]) != neg
	}
}

// LessLanes is a < b.
func LessLanes[T Number](out []bool, a, b []T, neg bool, rows []int32) {
	for _, r := range rows {
		out[r] = (a[r] < b[r]) != neg
	}
}

// PickEqualConst puts the rows where a == c into dst, which has room for all, and returns them.
func PickEqualConst[T Number](dst []int32, a []T, c T, neg bool, rows []int32) []int32 {
	j := 0
	for _, r := range rows {
		dst[j] = r
		j += B2I((a[r] == c) != neg)
	}
	return dst[:j]
}

// PickLessConst picks the rows where a < c.
func PickLessConst[T Number](dst []int32, a []T, c T, neg bool, rows []int32) []int32 {
	j := 0
	for _, r := range rows {
		dst[j] = r
		j += B2I((a[r] < c) != neg)
	}
	return dst[:j]
}

// PickMoreConst picks the rows where a > c.
func PickMoreConst[T Number](dst []int32, a []T, c T, neg bool, rows []int32) []int32 {
	j := 0
	for _, r := range rows {
		dst[j] = r
		j += B2I((a[r] > c) != neg)
	}
	return dst[:j]
}

// PickEqual picks the rows where a == b.
func PickEqual[T Number](dst []int32, a, b []T, neg bool, rows []int32) []int32 {
	j := 0
	for _, r := range rows {
		dst[j] = r
		j += B2I((a[r] == b[r]) != neg)
	}
	return dst[:j]
}

// PickLess picks the rows where a < b.
func PickLess[T Number](dst []int32, a, b []T, neg bool, rows []int32) []int32 {
	j := 0
	for _, r := range rows {
		dst[j] = r
		j += B2I((a[r] < b[r]) != neg)
	}
	return dst[:j]
}

// Within is low <= x <= high.
func Within[T Number](out []bool, x, low, high []T, rows []int32) {
	for _, r := range rows {
		out[r] = B2I(x[r] >= low[r])&B2I(x[r] <= high[r]) == 1
	}
}
