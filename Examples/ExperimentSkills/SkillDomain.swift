import Collab
import CollabBackends
import ExperimentSupport
import Foundation

/// Held-out text of one domain, passage by passage.
struct SkillDomain {
    /// What to call it; the file is called so too.
    let name: String
    /// The passages.
    let passages: [String]

    private struct Line: Decodable { var text: String }

    /// Reads the domain's file in a folder.
    init(_ name: String, in folder: String) throws {
        self.name = name
        passages = try decodeLines(Line.self, path: "\(folder)/\(name).jsonl").map(\.text)
    }

    init(_ name: String, _ passages: [String]) {
        self.name = name
        self.passages = passages
    }

    /// Every second passage, from the first or from the second on.
    func half(_ first: Int) -> SkillDomain {
        SkillDomain(name, stride(from: first, to: passages.count, by: 2).map { passages[$0] })
    }

    /// The bytes of each passage.
    var bytes: [Int] { passages.map(\.utf8.count) }

    /// The bits that each passage takes a model, all tokens but its first.
    func bits(of model: any LogitModel & TokenScoring) async throws(CollabError) -> [Double] {
        try await concurrently(passages) { (passage) async throws(CollabError) in
            let tokens = try model.promptTokens(for: .completion(passage))
            let logprobs =
                switch model {
                case let native as NativeModel: try await native.logprobs(of: tokens)
                case let adapted as AdaptedNativeModel: try await adapted.logprobs(of: tokens)
                default: throw CollabError(.unsupported, "\(model.name) is no native model.")
                }
            return -logprobs.reduce(0, +) / log(2)
        }
    }

    /// Bits a byte over passages that may be drawn several times.
    func rate(_ bits: [Double], _ places: [Int]) -> Double {
        places.reduce(0) { $0 + bits[$1] } / Double(max(1, places.reduce(0) { $0 + bytes[$1] }))
    }

    /// Bits a byte, with an interval from drawing passages again.
    func rate(_ bits: [Double], seed: UInt64) -> ConfidenceInterval {
        .bootstrap(count: bits.count, seed: seed) { rate(bits, $0) }
    }
}
