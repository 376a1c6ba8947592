package transcript

// Instruction bytes (ISO/IEC 7816-4, Table 4; EMV Book 3, Table 10; kernel 2
// commands from EMV Book C-2).
const (
	insVerify               = 0x20
	insPINChange            = 0x24
	insChecksum             = 0x2A
	insExternalAuthenticate = 0x82
	insGetChallenge         = 0x84
	insInternalAuthenticate = 0x88
	insSelect               = 0xA4
	insGPO                  = 0xA8
	insGenerateAC           = 0xAE
	insReadRecord           = 0xB2
	insGetResponse          = 0xC0
	insGetData              = 0xCA
	insRecoverAC            = 0xD0
	insPutData              = 0xDA
	insRelayResistance      = 0xEA
)
