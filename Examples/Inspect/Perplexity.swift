import Collab
import CollabBackends

/// How well a model predicts a text.
struct Perplexity {
    var tokenCount: Int
    /// The mean over all tokens but the first of −ln p(token | tokens before it).
    var meanLoss: Double

    /// Reads a text file as one sequence, framed as the model was trained.
    init(of path: String, model: NativeModel) async throws(CollabError) {
        let file = try MappedFile(path: path)
        guard let text = String(validating: file.bytes, as: UTF8.self) else {
            throw CollabError(.malformedFile, "\(path) is not a text in UTF-8.")
        }
        guard let vocabulary = model.tokenizer as? any ModelTokenizer else {
            throw CollabError(.unsupported, "\(model.name) has no vocabulary of its own.")
        }
        let tokens = try vocabulary.encodePrompt(text, parsingSpecialTokens: false)
        let losses = try await model.logprobs(of: tokens).map { -$0 }
        tokenCount = tokens.count
        meanLoss = losses.reduce(0, +) / Double(losses.count)
    }

    /// exp of the mean loss.
    var value: Double { exponential(meanLoss) }

    /// The figures as a section.
    func add(to report: inout Report, model: String, text: String) {
        report.section(
            "Perplexity",
            "of \((text.split(separator: "/").last.map(String.init) ?? text).quoted(limit: 60)) for \(model.quoted(limit: 60))"
        )
        report.row("tokens", "\(tokenCount.grouped), all but the first scored")
        report.row("mean loss", "\(rounded(meanLoss)) nats a token")
        report.row("perplexity", "\(rounded(value))")
    }

    private func rounded(_ value: Double) -> Double { (value * 100_000).rounded() / 100_000 }
}
