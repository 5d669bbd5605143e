import CollabTesting
import Testing

@testable import Collab

@Suite("Privacy detectors")
struct PrivacyDetectorTests {
    private func found(_ detector: PrivacyDetector, _ text: String) async throws -> [String] {
        try await detector.spans(in: text).map { String(text[$0.range]) }
    }

    @Test("E-mail addresses are found without the sentence around them")
    func emails() async throws {
        let text = "Write to Jane.Doe+x@mail.example.org, or <jörg@müller.de>. Not @home, a@b or 3@."
        #expect(try await found(.email, text) == ["Jane.Doe+x@mail.example.org", "jörg@müller.de"])
    }

    @Test(
        "Card numbers are found in any grouping, if their check digit is right",
        arguments: [
            ("4111 1111 1111 1111", true), ("4111-1111-1111-1111", true), ("4111111111111111", true),
            ("4111\u{a0}1111\u{2009}1111 1111", true), ("４１１１ １１１１ １１１１ １１１１", true),
            ("3782 822463 10005", true), ("4111 1111 1111 1112", false), ("1234 5678 9012 3456", false),
            ("id4111111111111111x", false),
        ]
    )
    func cards(number: String, isCard: Bool) async throws {
        #expect(try await found(.cardNumber, "on 12 \(number), 7") == (isCard ? [number] : []))
    }

    @Test("Numbers are found between letters of scripts that set no spaces")
    func scriptsWithoutSpaces() async throws {
        #expect(try await found(.cardNumber, "卡号4111111111111111是我的") == ["4111111111111111"])
        #expect(try await found(.phone, "전화는 010-1234-5678입니다") == ["010-1234-5678"])
        #expect(try await found(.iban, "口座DE89370400440532013000です") == ["DE89370400440532013000"])
        #expect(try await found(.nationalNumber(.spain), "番号12345678Zです") == ["12345678Z"])
    }

    @Test(
        "Telephone numbers are found, dates and amounts are not",
        arguments: [
            ("+49 30 901820", true), ("+1 (415) 555-2671", true), ("(415) 555-2671", true),
            ("030 901820-12", true), ("0171/2345678", true), ("2024-05-12", false), ("05.12.2024", false),
            ("1,000,000", false), ("3.14159265", false), ("12 apples and 34 pears", false),
        ]
    )
    func phones(number: String, isPhone: Bool) async throws {
        let spans = try await found(.phone, "Call \(number) now")
        #expect(spans == (isPhone ? [number] : []))
    }

    @Test(
        "Account numbers are found by their check digits",
        arguments: [
            ("GB82 WEST 1234 5698 7654 32", true), ("DE89370400440532013000", true),
            ("de89 3704 0044 0532 0130 00", true), ("DE89 3704 0044 0532 0130 01", false),
            ("FR14 2004 1010 0505 0001 3M02 606", true),
        ]
    )
    func accounts(number: String, isAccount: Bool) async throws {
        #expect(try await found(.iban, "Pay to \(number) by Friday") == (isAccount ? [number] : []))
    }

    @Test(
        "National numbers are found by their check digits or form",
        arguments: [
            (NationalNumber.germany, "86 095 742 719", "86 095 742 718"),
            (.spain, "12345678Z", "12345678A"), (.spain, "X1234567L", "X1234567M"),
            (.netherlands, "111222333", "111222334"), (.poland, "44051401359", "44051401358"),
            (.france, "2 55 08 14 168 025 38", "2 55 08 14 168 025 39"),
            (.brazil, "111.444.777-35", "111.444.777-36"), (.india, "2341 2341 2346", "2341 2341 2347"),
            (.unitedStates, "123-45-6789", "123456789"), (.unitedKingdom, "AB 12 34 56 C", "AB 12 34 56 E"),
        ]
    )
    func nationals(country: NationalNumber, right: String, wrong: String) async throws {
        #expect(try await found(.nationalNumber(country), "My number is \(right).") == [right])
        #expect(try await found(.nationalNumber(country), "My number is \(wrong).") == [])
    }

    @Test("Keys and passwords are found, words and hashes of commits in prose are what they look like")
    func secrets() async throws {
        func keys(_ text: String) async throws -> [String] { try await found(.secret, text) }
        let key = "sk-proj-abcdefghijklmnop1234"
        #expect(try await keys("use \(key) today") == [key])
        #expect(try await keys("export AWS=AKIAIOSFODNN7EXAMPLE").isEmpty == false)
        #expect(try await keys("password: hunter2!") == ["hunter2!"])
        #expect(try await keys("The password is hunter2") == ["hunter2"])
        #expect(try await keys(#"{"api_key": "abcd-efgh"}"#) == ["abcd-efgh"])
        #expect(try await keys("DB_PASSWORD=s3cret") == ["s3cret"])
        let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"
        #expect(try await keys("a \(pem) b") == [pem])
        #expect(
            try await keys("I forgot my password yesterday. The token economy is internationalisation.") == []
        )
        #expect(try await keys("see https://example.org/a/very/long/path/that/goes/on/For3ver") == [])
    }

    @Test("IP addresses are found, versions are not")
    func addresses() async throws {
        #expect(try await found(.ipAddress, "from 192.168.10.254 to 999.1.1.1, v1.2.3") == ["192.168.10.254"])
    }

    @Test("Words and patterns of the program's own are found as wholes")
    func own() async throws {
        #expect(
            try await found(.words("NAME", ["Al", "Anna Miller"]), "Also AL met anna miller.") == [
                "AL", "anna miller",
            ]
        )
        #expect(try await found(.pattern("CASE", "K-[0-9]{4}"), "K-1234 and K-12") == ["K-1234"])
        #expect(throws: CollabError.self) { try PrivacyDetector.pattern("BAD", "(") }
    }

    @Test("A local model finds what stands in the text word for word; a remote one is not asked")
    func model() async throws {
        let scripted = ScriptedModel("small", always: "NAME: Anna Miller\n- CITY: \"Oslo\"\nNAME: Bob\nNONE")
        let text = "Anna Miller of Oslo is 40."
        #expect(try await found(.model(scripted.located(.local)), text) == ["Anna Miller", "Oslo"])
        let error = await #expect(throws: CollabError.self) {
            try await PrivacyDetector.model(scripted.located(.remote)).spans(in: text)
        }
        #expect(error?.code == .invalidRequest)
        #expect(scripted.callCount == 1)
    }
}
