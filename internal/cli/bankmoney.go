package cli

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tapsim/internal/httpapi"
	"tapsim/issuer"
)

// bankMoneyCommands are the verbs that move money.
func (a *app) bankMoneyCommands(f *bankFlags) []*cobra.Command {
	return []*cobra.Command{
		a.bankTopUp(f), a.bankTransfer(f), a.bankPayments(f), a.bankPayment(f), a.bankRefund(f),
		a.bankPart(f, "reverse PAYMENT [AMOUNT]", "Undo a payment, or a part of it: release its hold, or give the money back", "  tapsim bank reverse 7", 1, httpapi.Bank.Reverse),
		a.bankHold(f),
		a.bankPart(f, "increment PAYMENT AMOUNT", "Raise an open hold by an amount", "  tapsim bank increment 7 20.00", 2, httpapi.Bank.Increment),
		a.bankPart(f, "complete PAYMENT [AMOUNT]", "Turn an open hold into a payment, of less if need be", "  tapsim bank complete 7 80.00", 1, httpapi.Bank.Complete),
		a.bankClear(f), a.bankDispute(f), a.bankDisputes(f), a.bankResolve(f),
	}
}

func (a *app) bankTopUp(f *bankFlags) *cobra.Command {
	var r issuer.TopUpRequest
	c := &cobra.Command{Use: "top-up ACCOUNT AMOUNT", Short: "Pay money into an account", Args: arguments(2, 2, "an account and an amount"), Example: "  tapsim bank top-up ALICE 50.00 --source salary"}
	c.Flags().StringVar(&r.Source, "source", "", "where the money comes from, for the statement")
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.PaymentState, error) {
		r.Account, r.Amount, r.Idempotency = args[0], args[1], f.idempotency
		return b.TopUp(ctx, r)
	}, a.showPayment)
}

func (a *app) bankTransfer(f *bankFlags) *cobra.Command {
	var r issuer.TransferRequest
	c := &cobra.Command{
		Use: "transfer FROM TO AMOUNT", Short: "Move money to another customer", Args: arguments(3, 3, "two accounts and an amount"),
		Long: `Move money to another customer. The amount is in the currency of the account that
pays, and converted where the other has another one.`,
		Example: "  tapsim bank transfer DEMO-0001 ALICE 25.00 --text lunch",
	}
	c.Flags().StringVar(&r.Text, "text", "", "what for")
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.PaymentState, error) {
		r.From, r.To, r.Amount, r.Idempotency = args[0], args[1], args[2], f.idempotency
		return b.Transfer(ctx, r)
	}, a.showPayment)
}

func (a *app) bankPayments(f *bankFlags) *cobra.Command {
	c := &cobra.Command{Use: "payments ACCOUNT", Short: "List what happened on an account, with numbers to refer to", Args: arguments(1, 1, "an account"), Example: "  tapsim bank payments DEMO-0001"}
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) ([]issuer.PaymentState, error) {
		return b.Payments(ctx, args[0])
	}, a.showPayments)
}

func (a *app) bankPayment(f *bankFlags) *cobra.Command {
	c := &cobra.Command{Use: "payment PAYMENT", Short: "Show a payment, by its number", Args: arguments(1, 1, "a payment"), Example: "  tapsim bank payment 7"}
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.PaymentState, error) {
		id, err := paymentNumber(args[0])
		if err != nil {
			return issuer.PaymentState{}, err
		}
		return b.ShowPayment(ctx, id)
	}, a.showPayment)
}

func (a *app) bankRefund(f *bankFlags) *cobra.Command {
	c := &cobra.Command{
		Use: "refund PAYMENT [AMOUNT]", Short: "Give a payment back, as its merchant would", Args: arguments(1, 2, "a payment, and an amount for a part of it"),
		Long: `Give a posted payment back, wholly or in part: in the payment's currency, never more
than is left of it.`,
		Example: "  tapsim bank refund 7\n  tapsim bank refund 7 5.00",
	}
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.PaymentState, error) {
		id, err := paymentNumber(args[0])
		if err != nil {
			return issuer.PaymentState{}, err
		}
		return b.Refund(ctx, issuer.RefundRequest{Payment: id, Amount: argument(args, 1), Idempotency: f.idempotency})
	}, a.showPayment)
}

// bankPart is a verb about a payment and an amount of it.
func (a *app) bankPart(f *bankFlags, use, short, example string, least int, do func(httpapi.Bank, context.Context, issuer.PaymentRequest) (issuer.PaymentState, error)) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Example: example, Args: arguments(least, 2, "a payment and an amount of it")}
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.PaymentState, error) {
		id, err := paymentNumber(args[0])
		if err != nil {
			return issuer.PaymentState{}, err
		}
		return do(b, ctx, issuer.PaymentRequest{Payment: id, Amount: argument(args, 1), Idempotency: f.idempotency})
	}, a.showPayment)
}

func (a *app) bankHold(f *bankFlags) *cobra.Command {
	var r issuer.HoldRequest
	c := &cobra.Command{
		Use: "hold ACCOUNT AMOUNT", Short: "Pre-authorise: reserve money for a payment to come", Args: arguments(2, 2, "an account and an amount"),
		Example: "  tapsim bank hold ALICE 200.00 --merchant \"GRAND HOTEL\" --category 7011",
	}
	c.Flags().StringVar(&r.Currency, "currency", "", "ISO 4217 letters (default the account's)")
	c.Flags().StringVar(&r.Merchant, "merchant", "", "the merchant's name")
	c.Flags().StringVar(&r.Category, "category", "", "merchant category code, four digits")
	c.Flags().StringVar(&r.Country, "country", "", "the merchant's country, two letters (default the bank's)")
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.PaymentState, error) {
		r.Account, r.Amount, r.Idempotency = args[0], args[1], f.idempotency
		return b.PreAuthorise(ctx, r)
	}, a.showPayment)
}

func (a *app) bankClear(f *bankFlags) *cobra.Command {
	c := &cobra.Command{
		Use: "clear [ACCOUNT]", Short: "The merchants' end of day: turn the holds of payments into payments", Args: arguments(0, 1, "an account, or none for all"),
		Long: `Complete the open holds of payments in full, as when the merchants send in their
batch. Pre-authorisations wait for 'complete'.`,
		Example: "  tapsim bank clear\n  tapsim bank clear DEMO-0001",
	}
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) ([]issuer.PaymentState, error) {
		return b.Clear(ctx, issuer.ClearRequest{Account: argument(args, 0), Idempotency: f.idempotency})
	}, a.showPayments)
}

func (a *app) bankDispute(f *bankFlags) *cobra.Command {
	var r issuer.DisputeRequest
	c := &cobra.Command{
		Use: "dispute PAYMENT", Short: "Report a payment as unauthorised: the money comes back for now", Args: arguments(1, 1, "a payment"),
		Example: "  tapsim bank dispute 7 --reason \"not me\" --block",
	}
	c.Flags().StringVar(&r.Reason, "reason", "", "what the customer says")
	c.Flags().BoolVar(&r.Block, "block", false, "stop the card or token that paid; a token ends for good, and its phone fetches another by itself, unless the phone is lost")
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (d issuer.DisputeView, err error) {
		if r.Payment, err = paymentNumber(args[0]); err != nil {
			return d, err
		}
		r.Idempotency = f.idempotency
		return b.Dispute(ctx, r)
	}, func(d issuer.DisputeView) error { return a.showDisputes([]issuer.DisputeView{d}) })
}

func (a *app) bankDisputes(f *bankFlags) *cobra.Command {
	c := &cobra.Command{Use: "disputes ACCOUNT", Short: "List the disputes of an account", Args: arguments(1, 1, "an account"), Example: "  tapsim bank disputes DEMO-0001"}
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) ([]issuer.DisputeView, error) {
		return b.Disputes(ctx, args[0])
	}, a.showDisputes)
}

func (a *app) bankResolve(f *bankFlags) *cobra.Command {
	c := &cobra.Command{
		Use: "resolve DISPUTE OUTCOME", Short: "End a dispute: accepted, rejected or withdrawn", Args: arguments(2, 2, "a dispute and accepted, rejected or withdrawn"),
		Long: `End a dispute. Accepted: the customer keeps the money, and the merchant pays.
Rejected by the bank or withdrawn by the customer: the credit is taken back.
A merchant who reverses the payment, or gives it back by a refund that names it,
ends the dispute by itself: it is settled, and the customer keeps the money. What is
given back of a part counts for that part.`,
		Example: "  tapsim bank resolve 9 accepted",
	}
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.DisputeView, error) {
		id, err := number(args[0], "disputes")
		if err != nil {
			return issuer.DisputeView{}, err
		}
		return b.Resolve(ctx, issuer.ResolveRequest{Dispute: id, Outcome: args[1], Idempotency: f.idempotency})
	}, func(d issuer.DisputeView) error { return a.showDisputes([]issuer.DisputeView{d}) })
}

func (a *app) showDisputes(all []issuer.DisputeView) error {
	return a.table(func(w *tabwriter.Writer) {
		fmt.Fprintln(w, "DISPUTE\tPAYMENT\tSTATE\tAMOUNT\tCREDITED\tOPENED\tBLOCKED\tREASON")
		for _, d := range all {
			fmt.Fprintf(w, "%d\t%d\t%s\t%s %s\t%s\t%s\t%s\t%s\n", d.ID, d.Payment, d.State, d.Amount, d.Currency, d.Credited, d.Opened.Format("2006-01-02"), d.Blocked+mark(d.Replaced != "", ", now "+d.Replaced), shown(d.Reason))
		}
	})
}

func (a *app) showPayment(s issuer.PaymentState) error {
	return a.showPayments([]issuer.PaymentState{s})
}

func (a *app) showPayments(all []issuer.PaymentState) error {
	return a.table(func(w *tabwriter.Writer) {
		fmt.Fprintln(w, "PAYMENT\tTIME\tEVENT\tSTATE\tREQUESTED\tBILLED\tREFUNDED\tCODE\tABOUT\tCHANNEL\tMERCHANT")
		for _, s := range all {
			about := ""
			if s.Related != 0 {
				about = fmt.Sprint(s.Related)
			}
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s %s\t%s %s\t%s\t%s\t%s\t%s\t%s\n", s.ID, s.Time.Format("2006-01-02 15:04"), s.Event, s.State, s.Requested, s.Currency,
				s.Billed, s.Billing, s.Refunded, s.ResponseCode, about, s.Channel, shown(s.Merchant))
		}
	})
}

// shown is text of others without what could move a terminal's cursor.
func shown(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return '?'
		}
		return r
	}, text)
}
