package video

import "image"

// MaxRects is how many damage rectangles are kept before they are merged.
const MaxRects = 16

// AddRect adds r, clipped to bounds, to a list of damage rectangles and keeps
// the list short: contained rectangles vanish, and beyond MaxRects the two
// whose union wastes least are merged. The result covers at least what list
// and r covered within bounds.
func AddRect(list []image.Rectangle, r, bounds image.Rectangle) []image.Rectangle {
	r = r.Intersect(bounds)
	if r.Empty() {
		return list
	}
	kept := list[:0]
	for _, o := range list {
		if r.In(o) {
			return list
		}
		if !o.In(r) {
			kept = append(kept, o)
		}
	}
	kept = append(kept, r)
	for len(kept) > MaxRects {
		kept = mergeCheapest(kept)
	}
	return kept
}

// mergeCheapest merges the pair with the least wasted area.
func mergeCheapest(list []image.Rectangle) []image.Rectangle {
	bi, bj, best := 0, 1, int(^uint(0)>>1)
	for i := range list {
		for j := i + 1; j < len(list); j++ {
			w := area(list[i].Union(list[j])) - area(list[i]) - area(list[j])
			if w < best {
				bi, bj, best = i, j, w
			}
		}
	}
	u := list[bi].Union(list[bj])
	list[bj] = list[len(list)-1]
	list = list[:len(list)-1]
	list[bi] = u
	return list
}

func area(r image.Rectangle) int { return r.Dx() * r.Dy() }
