package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/terminal/config"
)

const kernel2Full = `name: mine
terminal_id: T1
merchant_id: M1
country: "276"
currency: EUR
data: {"9F09": "008C"}
applications:
  - aid: "A0000000041010"
    kernel: 2
    data: {"9F15": "5411"}
    kernel2:
      configuration: "30"
      version: "0002"
      card_data_input: "E0"
      security: "08"
      cvm_required: "60"
      no_cvm_required: "08"
      floor_limit: "0"
      transaction_limit: "250.00"
      transaction_limit_on_device: "1000.00"
      cvm_limit: "50.00"
      tac_default: "FC5080880C"
      tac_denial: "0000000000"
      tac_online: "FC5080880D"
      risk_management: "6C7A000000000000"
      transaction_category: "52"
      mag_stripe_version: "0001"
      mag_stripe_cvm_required: "10"
      mag_stripe_no_cvm_required: "00"
      default_udol: "9F6A04"
      torn_records: 2
      torn_lifetime: 300
      timeout: 500
      message_hold: 13
      field_off: 13
      phone_messages:
        - {mask: "000100", value: "000100", message: "20", status: "06"}
        - {mask: "000000", value: "000000", message: "07", status: "00"}
      read_balance_before: true
      read_balance_after: true
      relay_min_grace: 20
      relay_max_grace: 50
      relay_command_time: 18
      relay_response_time: 24
      relay_accuracy: 300
      relay_mismatch: 50
`

// Every key of kernel 2 becomes the data object that the book has for it.
func TestKernel2(t *testing.T) {
	c, err := config.Parse("mine.yaml", []byte(kernel2Full))
	require.NoError(t, err)
	got := map[string]string{}
	for _, o := range c.Combinations[0].Data {
		got[o.Tag.String()] = fmt.Sprintf("%X", o.Value)
	}
	require.Equal(t, map[string]string{
		"DF811B": "30", "9F09": "0002", "DF8117": "E0", "DF811F": "08", "DF8118": "60", "DF8119": "08", "DF8123": "000000000000", "DF8124": "000000025000",
		"DF8125": "000000100000", "DF8126": "000000005000", "DF8120": "FC5080880C", "DF8121": "0000000000", "DF8122": "FC5080880D", "9F1D": "6C7A000000000000",
		"9F53": "52", "9F6D": "0001", "DF811E": "10", "DF812C": "00", "DF811A": "9F6A04", "DF811D": "02", "DF811C": "012C", "DF8127": "01F4", "DF812D": "000013",
		"DF8130": "0D", "DF8131": "00010000010020060000000000000700", "DF8104": "", "DF8105": "", "DF8132": "0014", "DF8133": "0032", "DF8134": "0012",
		"DF8135": "0018", "DF8136": "012C", "DF8137": "32", "9F15": "5411",
	}, got)
	require.Nil(t, c.Combinations[0].Settings.CVMLimit, "the entry point has nothing to do with it")

	// What is absent is left to the kernel, but for the limit with on-device
	// verification, which is that without.
	least := kernel2Full[:strings.Index(kernel2Full, "    kernel2:")] + "    kernel2: {transaction_limit: \"250.00\"}\n"
	c, err = config.Parse("mine.yaml", []byte(least))
	require.NoError(t, err)
	require.Equal(t, emv.List{
		{Tag: 0xDF8124, Value: []byte{0, 0, 0, 2, 0x50, 0}}, {Tag: 0xDF8125, Value: []byte{0, 0, 0, 2, 0x50, 0}}, {Tag: 0x9F15, Value: []byte{0x54, 0x11}},
	}, c.Combinations[0].Data)
}

// What is wrong is said with its line.
func TestBadKernel2(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown key":            {"torn_records: 2", "torn: 2", "mine.yaml:31: unknown key torn"},
		"unquoted hex":           {`security: "08"`, "security: 08", "mine.yaml:15: hex and digits must stand in quotes"},
		"TAC of 4 bytes":         {`tac_denial: "0000000000"`, `tac_denial: "00000000"`, "mine.yaml:23: applications[0].kernel2.tac_denial: 4 bytes, want 5"},
		"empty 9F1D":             {`risk_management: "6C7A000000000000"`, `risk_management: ""`, "mine.yaml:25: applications[0].kernel2.risk_management: 0 bytes, want 1 to 8"},
		"no limit":               {`transaction_limit: "250.00"`, "", "mine.yaml:11: applications[0].kernel2: transaction_limit is required"},
		"a limit in words":       {`cvm_limit: "50.00"`, `cvm_limit: "fifty"`, "mine.yaml:21: applications[0].kernel2.cvm_limit: "},
		"too many torn records":  {"torn_records: 2", "torn_records: 256", "mine.yaml:31: applications[0].kernel2.torn_records: 256: want 0 to 255"},
		"a time below zero":      {"relay_accuracy: 300", "relay_accuracy: -1", "applications[0].kernel2.relay_accuracy: -1: want 0 to 65535"},
		"a hold beyond its form": {"message_hold: 13", "message_hold: 1000000", "want 0 to 999999"},
		"message without value":  {`value: "000100", `, "", "mine.yaml:37: applications[0].kernel2.phone_messages[0]: want mask and value of 3 bytes"},
		"no last message":        {`mask: "000000"`, `mask: "000001"`, "mine.yaml:38: applications[0].kernel2.phone_messages[1]: the last entry must fit all"},
		"limits of kernel 3":     {"    kernel2:\n", "    cvm_limit: \"1.00\"\n    kernel2:\n", "mine.yaml:11: applications[0].cvm_limit: kernel 2 does not know it"},
		"TTQ":                    {"    kernel2:\n", "    ttq: \"36004000\"\n    kernel2:\n", "applications[0].ttq: kernel 2 does not know it"},
		"another kernel":         {"kernel: 2", "kernel: 3", "mine.yaml:11: applications[0].kernel2: the application has kernel 3"},
	} {
		require.Contains(t, kernel2Full, c.old, name)
		_, err := config.Parse("mine.yaml", []byte(strings.Replace(kernel2Full, c.old, c.new, 1)))
		require.ErrorContains(t, err, c.want, name)
	}
	_, err := config.Parse("mine.yaml", []byte(kernel2Full[:strings.Index(kernel2Full, "    kernel2:")]))
	require.ErrorContains(t, err, "mine.yaml:8: applications[0]: an application with kernel 2 needs kernel2")
}

// The built-in terminal takes Mastercard and Maestro.
func TestAttendedTakesMastercard(t *testing.T) {
	c, err := config.Load(config.Default)
	require.NoError(t, err)
	for i, want := range map[int]struct{ aid, configuration, cvm string }{
		2: {"A0000000041010", "30", "60"}, 3: {"A0000000043060", "B0", "40"},
	} {
		combination := c.Combinations[i]
		require.Equal(t, want.aid, fmt.Sprintf("%X", combination.AID))
		require.Equal(t, byte(2), combination.Kernel)
		for tag, value := range map[emv.Tag]string{0xDF811B: want.configuration, 0xDF8118: want.cvm, 0xDF8126: "000000004999", 0xDF8123: "000000000000", 0xDF811D: "01"} {
			v, ok := combination.Data.Lookup(tag)
			require.True(t, ok, tag.String())
			require.Equal(t, value, fmt.Sprintf("%X", v), tag.String())
		}
	}
}
