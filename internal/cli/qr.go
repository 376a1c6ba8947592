package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tapsim/emv/qr"
	"tapsim/internal/qrimage"
)

// qrFlags are the flags of commands that draw a code.
type qrFlags struct {
	png, svg string
	scale    int
	light    bool
}

func (f *qrFlags) register(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.png, "png", "", "also write the code to this PNG file")
	flags.StringVar(&f.svg, "svg", "", "also write the code to this SVG file")
	flags.IntVar(&f.scale, "scale", qrimage.DefaultScale, "pixels for a module in the PNG file")
	flags.BoolVar(&f.light, "light", false, "draw for dark letters on a light ground (default: own colours on a terminal, else light letters on dark)")
}

// qrJSON is the output of `tapsim qr show --json` and `tapsim qr merchant --json`.
type qrJSON struct {
	Kind    string  `json:"kind"`    // merchant, consumer, numeric, text
	Text    string  `json:"text"`    // what the code holds, in full: it is what was asked for
	Modules int     `json:"modules"` // on a side, without the margin
	PNG     *string `json:"png"`     // files written
	SVG     *string `json:"svg"`
}

func (a *app) qrCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "qr",
		Short: "QR codes for payments: draw, read, make a merchant's",
		Long: `QR codes for payments: EMV merchant-presented codes (what a shop shows) and
consumer-presented codes (what a phone shows). 'tapsim decode' explains them, too,
as text and as PNG.`,
		Example: `  tapsim qr merchant --name "TEST SHOP" --city BERLIN --amount 12.50 --png shop.png
  tapsim qr read shop.png`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.qrShowCommand(), a.qrReadCommand(), a.qrMerchantCommand())
	return c
}

func (a *app) qrShowCommand() *cobra.Command {
	f := &qrFlags{}
	c := &cobra.Command{
		Use:   "show TEXT|-",
		Short: "Draw a QR code in the terminal, as PNG, as SVG",
		Long: `Draw the QR code of any text. Where the text is an EMV code and breaks its rules,
a note says so; it is drawn nevertheless. '-' reads the text from standard input.`,
		Example: `  tapsim qr show hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8=
  tapsim qr show --png code.png - < code.txt`,
		Args: arguments(1, 1, "the text of the code, or -"),
		RunE: func(_ *cobra.Command, args []string) error {
			text := args[0]
			if text == "-" {
				data, err := a.readFile("-", qrimage.MaxText+2)
				if err != nil {
					return err
				}
				text = oneLine(string(data))
			}
			if _, err := qr.Explain(text, false); err != nil {
				fmt.Fprintln(a.errw, "tapsim: note:", err)
			}
			return a.showQR(f, text)
		},
	}
	f.register(c)
	return c
}

func (a *app) qrReadCommand() *cobra.Command {
	reveal := false
	c := &cobra.Command{
		Use:   "read FILE|-",
		Short: "Read a QR code from a PNG file and explain it",
		Long: `Find the QR code in a PNG file and explain what it holds, as 'tapsim decode' does.
A code that breaks the rules of EMV is explained as far as it can be read and
refused with the reason (exit status 2).`,
		Example: "  tapsim qr read shop.png\n  tapsim qr read --json - < shop.png",
		Args:    arguments(1, 1, "a PNG file, or -"),
		RunE: func(_ *cobra.Command, args []string) error {
			picture, err := a.readFile(args[0], qrimage.MaxFile)
			if err != nil {
				return err
			}
			return a.explained(&decoder{app: a, flags: &decodeFlags{as: "png", reveal: reveal}, name: args[0]}, string(picture))
		},
	}
	c.Flags().BoolVar(&reveal, "reveal", false, "show account numbers and other sensitive values of test cards")
	return c
}

// showQR draws a code and writes the files asked for.
func (a *app) showQR(f *qrFlags, text string) error {
	out, err := a.drawQR(f, text)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(out)
	}
	_, err = fmt.Fprintln(a.out, text)
	return err
}

// drawQR draws a code, unless JSON is asked for, and writes the files.
func (a *app) drawQR(f *qrFlags, text string) (out qrJSON, err error) {
	c, err := qrimage.New(text)
	if err != nil {
		return out, err
	}
	out = qrJSON{Kind: qr.KindOf(text).String(), Text: text, Modules: c.Size()}
	if f.png != "" {
		picture, err := c.PNG(f.scale)
		if err != nil {
			return out, fmt.Errorf("--scale: %w", err)
		}
		if err := writePicture(f.png, picture); err != nil {
			return out, err
		}
		out.PNG = &f.png
	}
	if f.svg != "" {
		if err := writePicture(f.svg, c.SVG()); err != nil {
			return out, err
		}
		out.SVG = &f.svg
	}
	if !a.json {
		if n := c.Columns(); n > usualColumns {
			fmt.Fprintf(a.errw, "tapsim: note: the drawing needs a terminal of %d columns; --png and --svg need none\n", n)
		}
		_, err = fmt.Fprint(a.out, a.drawing(c, f.light))
	}
	return out, err
}

// usualColumns is how wide most terminals are: a code that is wrapped cannot be
// read.
const usualColumns = 80

func writePicture(name string, data []byte) error {
	if err := os.WriteFile(filepath.Clean(name), data, 0o644); err != nil {
		return fileError(name, err)
	}
	return nil
}
