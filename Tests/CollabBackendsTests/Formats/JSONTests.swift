import Collab
import CollabBackends
import Testing

@Suite("JSON")
struct JSONTests {
    @Test("numbers keep their kind and value exactly")
    func numbers() throws {
        let cases: [(String, JSONValue)] = [
            ("0", .integer(0)), ("-1", .integer(-1)), ("9007199254740993", .integer(9_007_199_254_740_993)),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .unsigned(1 << 63)), ("18446744073709551615", .unsigned(.max)),
            ("18446744073709551616", .double(18_446_744_073_709_551_616)),
            ("-9223372036854775809", .double(-9_223_372_036_854_775_808)),
            ("1.0", .double(1)), ("1e2", .double(100)), ("-0", .double(-0.0)), ("0.1", .double(0.1)),
            ("-12.345678901", .double(-12.345678901)),
            ("1.7976931348623157e308", .double(.greatestFiniteMagnitude)),
            ("5e-324", .double(.leastNonzeroMagnitude)), ("1e-400", .double(0)),
            ("0.30000000000000004", .double(0.1 + 0.2)),
            ("123456789012345678e-17", .double(1.23456789012345678)),
            ("0e99999999999999999999", .double(0)),
        ]
        for (text, expected) in cases {
            let value = try JSONValue(parsing: text)
            #expect(value == expected, "\(text)")
        }
        #expect(try JSONValue(parsing: "-0").doubleValue?.sign == .minus)
        #expect(try JSONValue(parsing: "1.0").intValue == nil, "1.0 is not written as a whole number")
    }

    @Test("doubles written and read again are the same bits")
    func doublesRoundTrip() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let value = Double(bitPattern: generator.next())
            guard value.isFinite else { continue }
            let again = try JSONValue(parsing: JSONValue.double(value).encoded()).doubleValue
            #expect(again?.bitPattern == value.bitPattern)
        }
    }

    @Test("text is unescaped, surrogate pairs are joined")
    func text() throws {
        let value = try JSONValue(parsing: #""a\"\\\/\b\f\n\r\tA\u00e9\ud83d\ude42日本🙂""#)
        #expect(value.stringValue == "a\"\\/\u{8}\u{C}\n\r\tAé🙂日本🙂")
    }

    @Test("objects keep their order, find their keys, and tell canonically equivalent keys apart")
    func objects() throws {
        let text = "{" + (0..<500).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}"
        let object = try #require(try JSONValue(parsing: text).objectValue)
        #expect(object.count == 500)
        #expect(object.keys == (0..<500).map { "k\($0)" })
        #expect(object["k321"] == 321 && object["k500"] == nil)

        let accents = try JSONValue(parsing: #"{"é":1,"e\u0301":2}"#)
        #expect(accents["é"] == 1 && accents["e\u{301}"] == 2)
        #expect(accents.objectValue?.count == 2)
    }

    @Test("members can be set, replaced and removed")
    func mutation() {
        var object: JSONObject = ["a": 1, "b": [true, nil]]
        object["c"] = "x"
        object["a"] = 2
        object["b"] = nil
        #expect(object == ["c": "x", "a": 2])
        #expect(object.keys == ["a", "c"])
        for number in 0..<30 { object["n\(number)"] = JSONValue(number) }
        object["n3"] = nil
        #expect(object["n3"] == nil && object["n29"] == 29 && object.count == 31)
    }

    @Test(
        "malformed text is an error that names the byte",
        arguments: [
            ("", 0), (" ", 1), ("[1,]", 3), ("{\"a\":1,}", 7), ("[1 2]", 3), ("{\"a\" 1}", 5), ("{a:1}", 1),
            ("[", 1),
            ("{", 1), ("{\"a\":", 5), ("\"a", 0), ("\"\\x\"", 1), ("\"\\u12g4\"", 5), ("\"\\ud800\"", 1),
            ("\"\\ud800\\u0041\"", 1), ("\"\\udc00\"", 1), ("01", 0), ("-", 0), ("1.", 2), ("1e", 2),
            ("1e+", 3),
            (".5", 0), ("+1", 0), ("tru", 0), ("nul", 0), ("NaN", 0), ("Infinity", 0), ("-Infinity", 0),
            ("1e400", 0),
            ("1 1", 2), ("{}{}", 2), ("\"a\nb\"", 2), ("/*x*/1", 0), ("\u{FEFF}1", 0),
            ("{\"a\":1,\"a\":1}", 7),
            ("{\"a\":1,\"\\u0061\":1}", 7), ("'a'", 0), ("[1]\0", 3),
        ]
    )
    func malformed(text: String, offset: Int) {
        let error = #expect(throws: CollabError.self) { try JSONValue(parsing: text) }
        #expect(error?.code == .malformedFile)
        #expect(error?.message.contains("at byte \(offset):") == true, "\(text): \(error?.message ?? "")")
    }

    @Test("invalid UTF-8 is refused in files and repaired from servers")
    func invalidUTF8() throws {
        for bytes: [UInt8] in [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0x5C, 0x6E, 0xED, 0xA0, 0x80, 0x22],
        ] {
            #expect(throws: CollabError.self) { try JSONValue(parsing: bytes) }
            #expect(try JSONValue(parsing: bytes, policy: .wire).stringValue?.contains("\u{FFFD}") == true)
        }
    }

    @Test("a server's text is read as meant: lone surrogates, NaN; but not a key that comes twice")
    func wire() throws {
        let text = #"{"a":"x\ud83d","b":[NaN,-Infinity,Infinity,1e400],"c":"y\ud83dA\udc00","extra":null}"#
        let value = try JSONValue(parsing: text, policy: .wire)
        #expect(value["a"]?.stringValue == "x\u{FFFD}")
        #expect(value["c"]?.stringValue == "y\u{FFFD}A\u{FFFD}")
        #expect(value["b"]?[0]?.doubleValue?.isNaN == true)
        #expect(value["b"]?[1] == .double(-.infinity) && value["b"]?[3] == .double(.infinity))
        #expect(try JSONValue(parsing: "\u{FEFF}{}", policy: .wire) == [:])
        // Structure is as strict as in files.
        for text in ["[1,]", "{\"a\":1", "{}x", "[NaNx]", "", #"{"a":1,"a":1}"#, #"[{"a":1,"\u0061":2}]"#] {
            let error = #expect(throws: CollabError.self) { try JSONValue(parsing: text, policy: .wire) }
            #expect(error?.code == .malformedResponse)
        }
    }

    @Test("depth and size are limited")
    func limits() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(throws: Never.self) { try JSONValue(parsing: nested(64)) }
        #expect(throws: CollabError.self) { try JSONValue(parsing: nested(65)) }
        #expect(throws: CollabError.self) { try JSONValue(parsing: String(repeating: "[", count: 1_000_000)) }
        #expect(throws: CollabError.self) {
            try JSONValue(parsing: String(repeating: "{\"a\":", count: 100_000), policy: .wire)
        }
        // Brackets in a row do not add up.
        #expect(try JSONValue(parsing: "[" + nested(60) + "," + nested(60) + "]").arrayValue?.count == 2)
        #expect(throws: CollabError.self) {
            try JSONValue(parsing: "[1,2,3]", policy: .file.limited(toBytes: 6))
        }
    }

    @Test("written text is valid, stable and as styled")
    func writing() throws {
        let value: JSONValue = [
            "b": [1, 2.5, -0.0, "é\u{1}\"\\\n\u{7F}"], "a": ["x": nil, "w": true], "e": [], "o": [:],
            "big": .unsigned(.max), "nan": .double(.nan),
        ]
        #expect(
            value.description
                == #"{"b":[1,2.5,-0.0,"é\u0001\"\\\n\u007f"],"a":{"x":null,"w":true},"e":[],"o":{},"#
                + #""big":18446744073709551615,"nan":null}"#
        )
        #expect(
            String(decoding: value.encoded(.canonical), as: UTF8.self).hasPrefix(
                #"{"a":{"w":true,"x":null},"b":["#
            )
        )
        let pretty: JSONValue = ["a": [1], "b": [:]]
        #expect(
            String(decoding: pretty.encoded(.pretty), as: UTF8.self)
                == "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}"
        )
        var finite = value.objectValue!
        finite["nan"] = nil
        #expect(try JSONValue(parsing: JSONValue.object(finite).encoded()) == .object(finite))
    }

    @Test("equality ignores the order of members but not of elements")
    func equality() throws {
        #expect(try JSONValue(parsing: #"{"a":1,"b":2}"#) == JSONValue(parsing: #"{"b":2,"a":1}"#))
        #expect(try JSONValue(parsing: "[1,2]") != JSONValue(parsing: "[2,1]"))
        #expect(Set([["a": 1, "b": 2], ["b": 2, "a": 1]] as [JSONValue]).count == 1)
    }

    @Test("every beginning of a text fails cleanly")
    func truncation() {
        let text = Array(#"{"a":[1,-2.5e3,"x\u00e9\ud83d\ude42",true,false,null],"b":{"c":[]}}"#.utf8)
        for length in 0..<text.count {
            #expect(throws: CollabError.self) { try JSONValue(parsing: Array(text[..<length])) }
            #expect(throws: CollabError.self) {
                try JSONValue(parsing: Array(text[..<length]), policy: .wire)
            }
        }
    }
}
