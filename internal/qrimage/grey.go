package qrimage

import "github.com/makiuchi-d/gozxing"

// grey is a picture's brightness, one byte for each pixel, row by row.
type grey struct {
	pix           []byte
	width, height int
}

// shrunk is the picture with the mean of by times by pixels in the place of each;
// what is left over at the edges goes.
func (g grey) shrunk(by int) grey {
	if by == 1 {
		return g
	}
	out := grey{width: g.width / by, height: g.height / by}
	out.pix = make([]byte, out.width*out.height)
	for i := range out.pix {
		x, y, sum := i%out.width*by, i/out.width*by, 0
		for row := range by {
			for _, v := range g.pix[(y+row)*g.width+x:][:by] {
				sum += int(v)
			}
		}
		out.pix[i] = byte(sum / (by * by))
	}
	return out
}

// stretched is the picture with its darkest pixel black and its lightest white.
func (g grey) stretched() grey {
	low, top := byte(255), byte(0)
	for _, v := range g.pix {
		low, top = min(low, v), max(top, v)
	}
	if low >= top || low == 0 && top == 255 {
		return g
	}
	out := grey{make([]byte, len(g.pix)), g.width, g.height}
	for i, v := range g.pix {
		out.pix[i] = byte(int(v-low) * 255 / int(top-low))
	}
	return out
}

// source is the picture as the library takes it.
func (g grey) source() (gozxing.LuminanceSource, error) {
	return gozxing.NewPlanarYUVLuminanceSource(g.pix, g.width, g.height, 0, 0, g.width, g.height, false)
}
