package qr_test

import (
	"fmt"

	"tapsim/emv"
	"tapsim/emv/qr"
)

// The example of EMV's specification of merchant-presented codes.
func ExampleParseMerchant() {
	m, err := qr.ParseMerchant("00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Name, m.City, m.Country, m.Currency.Format(*m.Amount))
	// Output:
	// BEST TRANSPORT BEIJING CN 23.72
}

// A merchant's code for one sale.
func ExampleMerchant_Text() {
	eur, _ := emv.CurrencyByAlpha("EUR")
	amount := int64(1250)
	m := qr.Merchant{
		Initiation: qr.Dynamic, Category: "5999", Currency: eur, Amount: &amount, Country: "DE", Name: "TEST SHOP", City: "BERLIN",
		Accounts: []qr.Template{{ID: 26, GUID: qr.NetworkID, Objects: []qr.Object{{ID: 1, Value: "TAPSIM-MERCH-01"}}}},
	}
	fmt.Println(m.Text())
	// Output:
	// 00020101021226340011test.tapsim0115TAPSIM-MERCH-01520459995303978540512.505802DE5909TEST SHOP6006BERLIN6304FA7F <nil>
}
