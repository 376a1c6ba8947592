// Package emv is the data language of EMV contactless: BER-TLV in EMV's
// dialect, the tag dictionary, data object lists, the bit fields, application
// file locators, track 2, CVM lists, dates, amounts and the test card ranges.
// Everything can describe itself for people, and masks what is sensitive
// unless asked. It holds no keys and does no I/O.
package emv
