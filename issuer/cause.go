package issuer

// Cause is why a check failed, in one word for programs: of a closed set, which
// Causes lists. The text of the step is for people, and may change.
type Cause string

// Causes.
const (
	CauseAccountFrozen Cause = "account-frozen"
	CauseBalance       Cause = "balance"
	CauseBankLimit     Cause = "bank-limit"    // of the bank, for one payment
	CauseCardDeclined  Cause = "card-declined" // the card itself, or it decided what may not be sent
	CauseCardStopped   Cause = "card-stopped"  // the card behind the token, not the token
	CauseClock         Cause = "clock"         // a code from the future
	CauseClosed        Cause = "closed"        // the account
	CauseCodeExpired   Cause = "code-expired"
	CauseContradiction Cause = "contradiction" // fields that do not agree
	CauseCryptogram    Cause = "cryptogram"    // wrong, or missing
	CauseCurrency      Cause = "currency"      // no rate to convert at
	CauseDeleted       Cause = "deleted"       // the card or token, for good
	CauseDomain        Cause = "domain"        // of the token, but for its CauseTokenLimit
	CauseExpired       Cause = "expired"       // the card or token, or another expiry date
	CauseFormat        Cause = "format"
	CauseFrozen        Cause = "frozen"          // the card or token, for a while
	CauseFrozenByBank  Cause = "frozen-by-bank"  // the token; bank or token service
	CauseFrozenByOwner Cause = "frozen-by-owner" // the token
	CauseKeys          Cause = "keys"            // limited-use keys that have ended
	CauseLimit         Cause = "limit"           // of the customer
	CauseLostPhone     Cause = "lost"
	CauseMaintenance   Cause = "maintenance"
	CauseMalfunction   Cause = "malfunction"
	CauseOriginal      Cause = "original" // what it is about does not allow it, or is another payment
	CausePIN           Cause = "pin"
	CausePINBlocked    Cause = "pin-blocked"
	CauseRepeat        Cause = "repeat"   // retrieval keys of another message
	CauseReplay        Cause = "replay"   // a cryptogram or counter that came before
	CauseReversed      Cause = "reversed" // before it came
	CauseRisk          Cause = "risk"     // monitoring
	CauseRule          Cause = "rule"     // of the configuration
	CauseService       Cause = "service"  // a type of transaction that the bank does not do
	CauseStolen        Cause = "stolen"   // or lost: the card or token
	CauseTokenLimit    Cause = "token-limit"
	CauseUnknownCard   Cause = "unknown-card"
	CauseUnproven      Cause = "unproven" // an advice that is not believed
	CauseVerification  Cause = "verification"
)

// causes are what a step fails for, unless it says otherwise.
var causes = map[string]Cause{
	"card": CauseUnknownCard, "consistency": CauseContradiction, "counter": CauseReplay, stepCryptogram: CauseCryptogram, stepType: CauseCardDeclined,
	stepContactless: CauseVerification, "currency": CauseCurrency, "domain": CauseDomain, "expiry": CauseExpired, "format": CauseFormat, stepFunds: CauseBalance,
	"limited-use key": CauseKeys, stepLimits: CauseLimit, stepMaintenance: CauseMaintenance, stepMonitoring: CauseRisk, "network": CauseFormat,
	"original": CauseOriginal, stepPIN: CausePIN, "pin tries": CausePINBlocked, "posting": CauseUnproven, "refund": CauseOriginal, stepRepeat: CauseRepeat,
	"reversal": CauseReversed, "rules": CauseRule, stepScript: CauseMalfunction, "service": CauseService, "status": CauseFrozen, "store": CauseMalfunction,
	stepTrack: CauseCryptogram, stepVerification: CauseVerification,
}

// Causes is the set, in alphabetical order of the constants' names.
func Causes() []Cause {
	return []Cause{
		CauseAccountFrozen, CauseBalance, CauseBankLimit, CauseCardDeclined, CauseCardStopped, CauseClock, CauseClosed, CauseCodeExpired, CauseContradiction, CauseCryptogram,
		CauseCurrency, CauseDeleted, CauseDomain, CauseExpired, CauseFormat, CauseFrozen, CauseFrozenByBank, CauseFrozenByOwner, CauseKeys, CauseLimit,
		CauseLostPhone, CauseMaintenance, CauseMalfunction, CauseOriginal, CausePIN, CausePINBlocked, CauseRepeat, CauseReplay, CauseReversed, CauseRisk,
		CauseRule, CauseService, CauseStolen, CauseTokenLimit, CauseUnknownCard, CauseUnproven, CauseVerification,
	}
}
