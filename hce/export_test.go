package hce

// SetTrack2 puts another static track 2 in place: published examples have
// account numbers that no profile may have, with a wrong check digit.
func (c *Card) SetTrack2(track []byte) { c.static.mchip.tracks.two = track }
