import Collab
import ExperimentSupport
import Foundation

/// What was written at one strength of steering, and what it is like.
struct SteeringPoint: Codable {
    /// An answer to one question.
    struct Answer: Codable {
        /// Which question it answers; several answers may share one.
        var question: Int
        /// The answer.
        var text: String
        /// Whether a word of the list is in it.
        var isPromotional: Bool
        /// Whether a word that training has not shown is in it.
        var hasUnseenWord: Bool
        /// How many words it has.
        var words: Int
        /// The log-probability of each of its tokens for the base alone, after the same question.
        var logprobs: [Double]
    }

    /// The strength α.
    var strength: Double
    /// The answers, sorted by question.
    var answers: [Answer]

    /// The share of promotional answers, with Wilson's interval.
    var promotional: ConfidenceInterval {
        .share(of: answers.count(where: \.isPromotional), in: answers.count)
    }

    /// The share of answers with a word that training has not shown.
    var unseen: ConfidenceInterval {
        .share(of: answers.count(where: \.hasUnseenWord), in: answers.count)
    }

    /// The perplexity of the answers under the base, drawing questions again.
    func perplexity(seed: UInt64) -> ConfidenceInterval {
        let groups = byQuestion
        return .bootstrap(count: groups.count, seed: seed) { Self.perplexity($0.flatMap { groups[$0] }) }
    }

    /// How much smaller the share of promotional answers is than at another strength, drawing questions again, the
    /// same ones for both.
    func reduction(from other: SteeringPoint, seed: UInt64) -> ConfidenceInterval {
        let (own, others) = (byQuestion, other.byQuestion)
        return .bootstrap(count: own.count, seed: seed) { places in
            Self.share(places.flatMap { others[$0] }) - Self.share(places.flatMap { own[$0] })
        }
    }

    /// The mean number of words of an answer.
    var meanWords: Double {
        Double(answers.reduce(0) { $0 + $1.words }) / Double(max(1, answers.count))
    }

    /// How many different words there are among a hundred, over all answers in turn: little for answers that repeat
    /// themselves or one another.
    var differentWords: Double {
        let words = answers.flatMap { WordList.words(of: $0.text) }
        let pieces = stride(from: 0, to: words.count - 99, by: 100).map {
            Double(Set(words[$0..<$0 + 100]).count)
        }
        return pieces.isEmpty ? .nan : pieces.reduce(0, +) / Double(pieces.count)
    }

    private var byQuestion: [[Answer]] {
        let groups = Dictionary(grouping: answers, by: \.question)
        return groups.keys.sorted().map { groups[$0] ?? [] }
    }

    private static func share(_ answers: [Answer]) -> Double {
        Double(answers.count(where: \.isPromotional)) / Double(max(1, answers.count))
    }

    private static func perplexity(_ answers: [Answer]) -> Double {
        let logprobs = answers.flatMap(\.logprobs)
        return exp(-logprobs.reduce(0, +) / Double(max(1, logprobs.count)))
    }
}
