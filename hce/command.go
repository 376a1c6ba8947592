package hce

import "tapsim/apdu"

// instruction is a command that a card knows, with its class.
type instruction struct {
	cla, ins byte
	run      func(*Card, apdu.Command) []byte
}

// commonCommands are those of every card.
var commonCommands = []instruction{
	{0x00, 0xA4, (*Card).selectFile},
	{0x00, 0xB2, (*Card).readRecord},
	{0x80, 0xCA, (*Card).getData},
}

// instructions are the commands at kernels 3 and 7. Script commands carry a MAC,
// which their class says (EMV Book 2, 9.2): 84, and 04 for PUT DATA.
func (q *QVSDC) instructions() []instruction {
	out := []instruction{{0x80, 0xA8, (*Card).getProcessingOptions}}
	if q.Update == nil {
		return out
	}
	out = append(out, instruction{0x00, 0x82, (*Card).externalAuthenticate})
	if q.Update.ScriptKey != nil {
		out = append(out, instruction{0x84, insBlock, (*Card).blockApplication}, instruction{0x84, insUnblock, (*Card).blockApplication},
			instruction{0x04, insPutData, (*Card).putData})
	}
	return out
}

// Respond answers one command. Every input gets a status word: what is shorter
// than a header or has lengths that lie 6700, a class that no command has 6E00,
// an unknown instruction 6D00. What does not change from tap to tap is the same
// answer each time: the caller only reads it.
func (c *Card) Respond(command []byte) []byte {
	if len(command) < 4 {
		return status(apdu.StatusWrongLength)
	}
	run, sw := c.static.route(command[0], command[1])
	if !sw.OK() {
		return status(sw)
	}
	cmd, err := apdu.ParseCommand(command)
	if err != nil {
		return status(apdu.StatusWrongLength)
	}
	return run(c, cmd)
}

// route finds the command; where there is none, it checks class and instruction
// in that order (ISO/IEC 7816-4, 5.4).
func (s *static) route(cla, ins byte) (run func(*Card, apdu.Command) []byte, sw apdu.Status) {
	sw = apdu.StatusInstruction
	for i := range s.commands {
		if s.commands[i].ins != ins {
			continue
		}
		if s.commands[i].cla == cla {
			return s.commands[i].run, apdu.StatusOK
		}
		sw = apdu.StatusClass
	}
	if class := checkClass(cla); !class.OK() {
		return nil, class
	}
	return nil, sw
}

// checkClass tells apart what the class byte asks for (ISO/IEC 7816-4, 5.4.1):
// a contactless card has the basic logical channel only and no secure
// messaging, and takes no chained commands. Proprietary classes 80 to 8F are
// coded like the first interindustry ones; the others no command has.
func checkClass(cla byte) apdu.Status {
	switch {
	case cla&0x7F == 0:
		return apdu.StatusOK
	case cla&0xC0 == 0x40: // further interindustry: channels 4 to 19
		return apdu.StatusChannelNotSupported
	case cla&0x60 != 0, cla&0x90 == 0x90:
		return apdu.StatusClass
	case cla&0x03 != 0:
		return apdu.StatusChannelNotSupported
	case cla&0x0C != 0:
		return apdu.StatusSecureMessaging
	default:
		return apdu.StatusChainingNotSupported
	}
}

// status is an answer without data.
func status(sw apdu.Status) []byte { return []byte{sw.SW1(), sw.SW2()} }

// reply is a copy of data with a status word, or 6700 when the terminal
// expects fewer bytes than there are. Contactless readers send Le 00 or forget
// Le; of other values Visa cards were seen to refuse what is too short.
func reply(cmd apdu.Command, data []byte, sw apdu.Status) []byte {
	if !fits(cmd, len(data)) {
		return status(apdu.StatusWrongLength)
	}
	return sw.Append(append(make([]byte, 0, len(data)+2), data...))
}

// ready is an answer that was coded when the card was made, status word and all,
// on the terms of reply.
func ready(cmd apdu.Command, answer []byte) []byte {
	if !fits(cmd, len(answer)-2) {
		return status(apdu.StatusWrongLength)
	}
	return answer[:len(answer):len(answer)]
}

// fits is true when the command leaves room for n bytes.
func fits(cmd apdu.Command, n int) bool { return cmd.Ne == 0 || cmd.Ne >= n }
