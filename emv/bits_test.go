package emv

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBitFieldsSetAndClear(t *testing.T) {
	var ttq TTQ
	ttq.Set(TTQEMVMode, true)
	ttq.Set(TTQContact, true)
	ttq.Set(TTQOnlinePIN, true)
	ttq.Set(TTQSignature, true)
	ttq.Set(TTQConsumerDevice, true)
	require.Equal(t, TTQ{0x36, 0, 0x40, 0}, ttq) // the usual attended preset
	ttq.Set(TTQContact, false)
	require.Equal(t, TTQ{0x26, 0, 0x40, 0}, ttq)
	require.True(t, ttq.Has(TTQSignature))
	require.False(t, ttq.Has(TTQContact))

	var ctq CTQ
	ctq.Set(CTQConsumerDeviceDone, true)
	require.Equal(t, CTQ{0, 0x80}, ctq)
	var tvr TVR
	tvr.Set(TVRRelayNotPerformed, true)
	require.Equal(t, TVR{0, 0, 0, 0, 1}, tvr)
	var aip AIP
	aip.Set(AIPEMVMode, true)
	require.Equal(t, AIP{0, 0x80}, aip)
	require.True(t, aip.Has(AIPEMVMode))
	var tsi TSI
	tsi.Set(TSIODAPerformed, true)
	require.Equal(t, TSI{0x80, 0}, tsi)
	require.True(t, tsi.Has(TSIODAPerformed))

	phone := FFI{0x23, 0x8C, 0, 0}
	require.Equal(t, FormPhone, phone.Form())
	require.True(t, phone.Has(FFICloudCredentials))
	require.False(t, phone.Has(FFISignaturePanel))
	phone.Set(FFIBiometric, true)
	require.Equal(t, FFI{0x23, 0x8E, 0, 0}, phone)
}

func TestCryptogramTypes(t *testing.T) {
	for cid, want := range map[byte]string{0x00: "AAC", 0x01: "AAC", 0x40: "TC", 0x80: "ARQC", 0x8A: "ARQC", 0xC0: "RFU"} {
		require.Equal(t, want, CryptogramTypeOf(cid).String())
	}
}

func TestApplicationUsageControl(t *testing.T) {
	everything, domestic := AUC{0xFF, 0xC0}, AUC{0xA9, 0x80}
	elsewhere := AUC{0xFD, 0xC0} // not at ATMs
	for _, c := range []struct {
		auc  AUC
		use  Usage
		want bool
	}{
		{everything, Usage{}, true},
		{everything, Usage{Cash: true, ATM: true}, true},
		{everything, Usage{Cashback: true}, true},
		{AUC{0xFF, 0x00}, Usage{Cashback: true, Domestic: true}, false},
		{AUC{0xC3, 0xC0}, Usage{Cashback: true, Domestic: true}, false}, // cashback, but no purchase
		{domestic, Usage{Domestic: true}, true},
		{domestic, Usage{}, false},
		{domestic, Usage{Cash: true, Domestic: true}, true},
		{domestic, Usage{Cash: true}, false},
		{domestic, Usage{Cashback: true, Domestic: true}, true},
		{elsewhere, Usage{Cash: true, Domestic: true, ATM: true}, false},
		{elsewhere, Usage{Cash: true, Domestic: true}, true},
		{AUC{0xFE, 0}, Usage{Domestic: true}, false}, // ATMs only
		{AUC{0x21, 0}, Usage{Domestic: true}, true},  // goods alone will do
		{AUC{0x09, 0}, Usage{Domestic: true}, true},  // services alone too
		{AUC{0x05, 0}, Usage{}, true},
	} {
		require.Equal(t, c.want, c.auc.Allows(c.use), "%X %+v", c.auc, c.use)
	}
	var a AUC
	a.Set(AUCDomesticGoods, true)
	require.Equal(t, AUC{0x20, 0}, a)
}
