package kernel

import "tapsim/emv"

// FCI is the file control information of a selected application, tag 6F, with
// what entry point and kernels read of it (EMV Book 1, 11.3.4). Slices alias
// the answer; what is not there is nil.
type FCI struct {
	Raw    []byte // data of the SELECT answer, without status word
	DFName []byte // 84
	PDOL   []byte // 9F38
}

// ParseFCI reads the data of a SELECT answer. False is an answer that is not
// one well-formed template 6F; nothing of it but Raw is kept.
func ParseFCI(raw []byte) (FCI, bool) {
	f := FCI{Raw: raw}
	if !f.read(raw) {
		return FCI{Raw: raw}, false
	}
	return f, true
}

func (f *FCI) read(raw []byte) bool {
	s := emv.Scan(raw)
	if !s.Next() || s.Tag() != emv.TagFCI {
		return false
	}
	template := s.Value()
	if s.Next() || s.Err() != nil {
		return false
	}
	for s = emv.Scan(template); s.Next(); {
		switch s.Tag() {
		case emv.TagDFName:
			f.DFName = s.Value()
		case emv.TagFCIProprietary:
			if !f.proprietary(s.Value()) {
				return false
			}
		}
	}
	return s.Err() == nil
}

func (f *FCI) proprietary(template []byte) bool {
	s := emv.Scan(template)
	for s.Next() {
		if s.Tag() == emv.TagPDOL {
			f.PDOL = s.Value()
		}
	}
	return s.Err() == nil
}
