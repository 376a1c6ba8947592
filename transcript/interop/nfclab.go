package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Kinds of frames in nfc-laboratory's files.
const (
	nfcLabPoll   = 258
	nfcLabListen = 259
	nfcLabTypeA  = 257
)

// readNFCLab reads the frames that nfc-laboratory saves.
func readNFCLab(in *input, s *session) error {
	var file struct {
		Frames []struct {
			Data string `json:"frameData"`
			Type int    `json:"frameType"`
			Tech int    `json:"techType"`
		} `json:"frames"`
	}
	if !bytes.Contains(in.raw, []byte(`"frameData"`)) {
		return isAbsent("no JSON with frameData")
	}
	if err := json.Unmarshal(in.raw, &file); err != nil {
		return fmt.Errorf("JSON: %w", err)
	}
	d := newFrames(s)
	for i, f := range file.Frames {
		if f.Type != nfcLabPoll && f.Type != nfcLabListen || f.Tech != nfcLabTypeA && f.Tech != 0 {
			continue
		}
		b, rest := hexRun(strings.TrimSpace(f.Data))
		if rest != "" {
			return fmt.Errorf("frame %d: no hex", i+1)
		}
		d.frame(frame{fromCard: f.Type == nfcLabListen, data: b, crc: crcThere, short: len(b) == 1})
	}
	return d.end()
}
