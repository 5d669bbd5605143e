import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Speed of tokenizers", .serialized)
struct TokenizerSpeedTests {
    @Test(
        "A vocabulary is ready in milliseconds, and text is encoded by the megabyte",
        arguments: RealModel.allCases
    )
    func speed(model: RealModel) throws {
        let metadata = try model.open().metadata
        var loading: [Duration] = []
        for _ in 0..<5 {
            loading.append(try ContinuousClock().measure { _ = try metadata.makeTokenizer() })
        }
        let tokenizer = try model.tokenizer()
        let alice = try String(contentsOf: fixture("goldens/engine/ppl-alice.txt"), encoding: .utf8)
        var rates: [String] = []
        for (name, text) in [
            ("English", String(repeating: alice, count: Self.copies)), ("mixed", Self.mixed()),
        ] {
            var best = 0.0
            for _ in 0..<3 {
                let duration = try ContinuousClock().measure {
                    _ = try tokenizer.encode(text, parsingSpecialTokens: false)
                }
                best = max(best, Double(text.utf8.count) / 1e6 / (duration / .seconds(1)))
            }
            rates.append("\(name) \(best.formatted(.number.precision(.fractionLength(1)))) MB/s")
            #if !DEBUG
                #expect(best > 5)
            #endif
        }
        print("\(model): loaded in \(loading.min()!), encodes \(rates.joined(separator: ", "))")
    }

    #if DEBUG
        static let copies = 2
        static let words = 2_000
    #else
        static let copies = 100
        static let words = 200_000
    #endif

    /// Words that hardly repeat, in several scripts, so that no cache helps.
    static func mixed() -> String {
        var state: UInt64 = 7
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        let alphabets = [
            "abcdefghijklmnopqrstuvwxyz", "абвгдежзийклмноп", "日本語文字列処理", "0123456789", "{}[]();:=<>\n\t",
        ]
        .map { Array($0) }
        var text = ""
        for _ in 0..<words {
            let alphabet = alphabets[next(8) % 5]
            for _ in 0..<(2 + next(9)) { text.append(alphabet[next(alphabet.count)]) }
            text.append(" ")
        }
        return text
    }
}
