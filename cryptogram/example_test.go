package cryptogram_test

import (
	"encoding/hex"
	"fmt"

	"tapsim/cryptogram"
	"tapsim/emv"
)

// An application cryptogram from the issuer's master key on: a published
// example (Visa CVN 18).
func ExampleRecipe_Generate() {
	master, _ := cryptogram.NewKey(cryptogram.TDES, unhex("0123456789ABCDEFFEDCBA9876543210"))
	card, _ := cryptogram.DeriveCardKey(master, cryptogram.OptionA, "1234567890123456", "00")

	tap := emv.List{
		{Tag: emv.TagAmount, Value: unhex("000000004000")},
		{Tag: emv.TagTerminalCountry, Value: unhex("0124")},
		{Tag: emv.TagTVR, Value: unhex("8000048000")},
		{Tag: emv.TagTransactionCurrency, Value: unhex("0124")},
		{Tag: emv.TagTransactionDate, Value: unhex("191105")},
		{Tag: emv.TagTransactionType, Value: unhex("01")},
		{Tag: emv.TagUnpredictableNumber, Value: unhex("52BF4585")},
		{Tag: emv.TagAIP, Value: unhex("1800")},
		{Tag: emv.TagATC, Value: unhex("001C")},
		{Tag: emv.TagIAD, Value: unhex("06011203A0B800")},
	}
	elements := cryptogram.ElementsFrom(tap)
	recipe, _ := cryptogram.RecipeFor(emv.SchemeVisa, elements.IAD) // the issuer application data name it
	ac, err := recipe.Generate(card, &elements)
	fmt.Printf("%s: %X %v\n", recipe.Name, ac, err)
	// Output:
	// Visa CVN 18: 7A788EA6B8A3E733 <nil>
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}
