import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Malformed and malicious chat templates")
struct TemplateFuzzTests {
    @Test("Each file has the stated outcome within two seconds")
    func corpus() throws {
        let corpus = try FuzzCorpus.shared.get()
        let cases = corpus.cases(of: "template")
        #expect(cases.count >= 30)
        for file in cases {
            let source = try String(contentsOfFile: corpus.path(of: file), encoding: .utf8)
            var failure: CollabError?
            let duration = ContinuousClock().measure {
                do throws(CollabError) {
                    _ = try ChatTemplate(source: source).render(messages: [.user("Hi"), .assistant("Hello")])
                } catch { failure = error }
            }
            // Sanitised code is several times slower.
            #expect(
                duration < .seconds(2) * (ProbedFile.patience ?? 1),
                "\(file.file): \(file.why) took \(duration)"
            )
            switch file.expect {
            case .accept: #expect(failure == nil, "\(file.file): \(file.why)")
            case .reject: #expect(failure != nil, "\(file.file) must be refused: \(file.why)")
            case .bounded: break
            }
            guard let failure else { continue }
            #expect([.malformedFile, .unsupported, .invalidRequest].contains(failure.code), "\(failure)")
            #expect(failure.message.hasPrefix("Chat template, line "), "\(failure)")
        }
    }

    @Test(
        "Templates cut off anywhere, or with a character changed, end in text or an error",
        arguments: 0..<4
    )
    func damaged(seed: UInt64) throws {
        var state = seed &+ 1
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        let pieces = [
            "{%", "%}", "{{", "}}", "-", "'", "(", ")", "[", "]", ":", ",", "|", ".", " not ", " is ", " in ",
            "\\", "\n",
        ]
        .map { Array($0.utf8) }
        let goldens = try TemplateGoldens.all.get()
        for golden in goldens.features + goldens.families.filter({ $0.name.hasSuffix("call, settings 2") }) {
            for _ in 0..<3 {
                var source = Array(golden.source.utf8)
                switch next(3) {
                case 0: source.removeSubrange(next(source.count)...)
                case 1: source.insert(contentsOf: pieces[next(pieces.count)], at: next(source.count))
                default:
                    source.replaceSubrange(next(source.count)..., with: source.suffix(next(source.count)))
                }
                var damaged = golden
                damaged.source = String(decoding: source, as: UTF8.self)
                do { _ = try damaged.render() } catch { #expect(error is CollabError) }
            }
        }
    }
}
