package cli

import (
	"fmt"
	"strings"

	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/issuer"
	"tapsim/terminal/kernel"
	"tapsim/transcript"
)

// appendText appends the whole story of a payment: headline, exchange,
// decisions, messages, the issuer's check, receipt.
func (v *view) appendText(dst []byte, s transcript.Style) []byte {
	dst = append(dst, painted(s, transcript.RoleTitle, v.headline())+"\n"...)
	if v.payment.Why != nil {
		dst = appendVerdict(dst, v.payment.Why)
	}
	if v.channel == "" {
		dst = section(dst, s, "Card and terminal")
	}
	for i, x := range transcript.ExplainSession(v.payment.Transcript, v.reveal).Exchanges {
		if i > 0 {
			dst = append(dst, '\n')
		}
		dst = transcript.AppendText(dst, x, s)
	}
	dst = v.appendKernel(dst, s)
	if v.payment.Request != nil {
		dst = v.appendMessages(dst, s)
	}
	if v.payment.Report != nil {
		dst = section(dst, s, "Issuer")
		dst = appendReport(dst, v.payment.Report, s)
	}
	dst = section(dst, s, "Receipt")
	for _, line := range strings.Split(strings.TrimRight(v.payment.Receipt.String(), "\n"), "\n") {
		dst = append(dst, strings.TrimRight("  "+line, " ")+"\n"...)
	}
	return dst
}

// appendKernel appends what the kernel decided and what the display showed.
func (v *view) appendKernel(dst []byte, s transcript.Style) []byte {
	tap := &v.payment.Tap
	title := "Entry point"
	if v.channel != "" {
		title = "Point of sale"
	}
	if tap.KernelID != 0 {
		title += fmt.Sprintf(" and kernel %d", tap.KernelID)
	}
	dst = section(dst, s, title)
	for _, step := range tap.Steps {
		dst = fmt.Appendf(dst, "  %s\n", strings.TrimSpace(painted(s, transcript.RoleDim, fmt.Sprintf("%-26s", step.Rule))+"  "+step.Text))
	}
	shown := ""
	for _, ui := range tap.UI { // a message that stays, with another status, is one line
		if text := ui.Message.Text(); text != "" && text != shown {
			dst = fmt.Appendf(dst, "  %-26s  %q\n", "display", text)
			shown = text
		}
	}
	if v.channel != "" {
		return dst
	}
	o := &tap.Outcome
	cvm := o.CVM
	if v.payment.CVM == kernel.CVMNone { // what a kernel chose and nobody used reads as verified
		cvm = kernel.CVMNone
	}
	return fmt.Appendf(dst, "  %-26s  %s, CVM %s, offline data authentication %s\n", "outcome", o.Kind, cvm, oda(*o))
}

// appendMessages appends request and answer, field by field.
func (v *view) appendMessages(dst []byte, s transcript.Style) []byte {
	p := &v.payment
	if b := p.Before; b != nil {
		dst = section(dst, s, "Authorisation request "+string(b.Request.MTI))
		dst = v.appendMessage(dst, b.Request, s)
		dst = section(dst, s, "Answer "+string(b.Response.MTI)+": come again with a PIN")
		dst = v.appendMessage(dst, b.Response, s)
	}
	if p.KernelOutcome == kernel.Approved {
		dst = section(dst, s, "Advice "+string(p.Request.MTI))
		dst = v.appendMessage(dst, p.Request, s)
		return append(dst, "  approved offline: it waits in the terminal's journal; the next payment or start delivers it\n"...)
	}
	dst = section(dst, s, "Authorisation request "+string(p.Request.MTI))
	dst = v.appendMessage(dst, p.Request, s)
	if p.Response == nil {
		dst = section(dst, s, "No answer")
		return append(dst, "  a reversal waits in the terminal's journal; the next payment with this host delivers it\n"...)
	}
	dst = section(dst, s, "Answer "+string(p.Response.MTI))
	return v.appendMessage(dst, p.Response, s)
}

func (v *view) appendMessage(dst []byte, m *iso8583.Message, s transcript.Style) []byte {
	for _, f := range v.fields(m) {
		if f.Number == 0 {
			continue
		}
		number := painted(s, transcript.RoleTag, fmt.Sprintf("%3d", f.Number))
		if f.Number == 55 {
			dst = fmt.Appendf(dst, "  %s  %s\n", number, f.Name)
			x := transcript.ExplainData(m.ICCData, emv.Context{Scheme: v.payment.Scheme, Kernel: v.payment.Tap.KernelID}, v.reveal)
			dst = transcript.AppendParts(dst, x.Parts, 7, s)
			continue
		}
		dst = append(dst, strings.TrimRight(fmt.Sprintf("  %s  %-34s  %-20s  %s", number, f.Name, f.Value, f.Text), " ")...)
		dst = append(dst, '\n')
	}
	return dst
}

// appendReport appends the issuer's check step by step.
func appendReport(dst []byte, r *issuer.Report, s transcript.Style) []byte {
	for _, step := range r.Steps {
		mark, role := "ok", transcript.RoleGood
		switch step.Result {
		case issuer.Failed:
			mark, role = "FAILED", transcript.RoleBad
		case issuer.Skipped:
			mark, role = "-", transcript.RoleDim
		}
		dst = fmt.Appendf(dst, "  %s  %-18s  %s\n", painted(s, role, fmt.Sprintf("%-6s", mark)), step.Name, step.Text)
		for _, d := range step.Details {
			dst = append(dst, strings.TrimRight(fmt.Sprintf("          %-42s %s", d.Name, strings.TrimSpace(d.Value+"  "+d.Text)), " ")...)
			dst = append(dst, '\n')
		}
	}
	if r.Repeated {
		dst = append(dst, "  the first answer was given again\n"...)
	}
	return fmt.Appendf(dst, "  answer  %s %s\n", r.Code, r.Meaning)
}

func section(dst []byte, s transcript.Style, title string) []byte {
	return fmt.Appendf(dst, "\n%s\n", painted(s, transcript.RoleTitle, strings.ToUpper(title)))
}

func painted(s transcript.Style, r transcript.Role, text string) string {
	if s.Paint == nil {
		return text
	}
	return s.Paint(r, text)
}
