import Foundation
import Testing

@testable import CollabBackends

@Suite("Normalisation forms")
struct UnicodeFormTests {
    @Test(
        "Every character, alone and behind others, becomes what Foundation makes of it",
        arguments: UnicodeForm.allCases
    )
    func everyCharacter(form: UnicodeForm) {
        var wrong: [String] = []
        for value in UInt32(1)..<0x30000 {
            guard let scalar = Unicode.Scalar(value), let age = scalar.properties.age, age.major < 14 else {
                continue
            }
            let text = "q" + String(scalar) + "\u{323}\u{301}" + String(scalar) + "a"
            var bytes = Array(text.utf8)
            form.apply(to: &bytes)
            let expected =
                switch form {
                case .nfc: text.precomposedStringWithCanonicalMapping
                case .nfd: text.decomposedStringWithCanonicalMapping
                case .nfkc: text.precomposedStringWithCompatibilityMapping
                case .nfkd: text.decomposedStringWithCompatibilityMapping
                }
            if bytes != Array(expected.utf8) { wrong.append(String(value, radix: 16)) }
        }
        #expect(wrong.isEmpty, "\(form): \(wrong.count) differ: \(wrong.prefix(20))")
    }
}
