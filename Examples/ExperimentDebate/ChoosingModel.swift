import Collab

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Answers with the option that a model finds most probable as the continuation of the prompt.
///
/// Models of a hundred million parameters do not keep to the letters of a choice, but they know which of several sentences
/// they would rather say. The score of an option is the sum of its tokens' log-probabilities, without regard to its
/// length, as the benchmark has it. How sure the model is, is the option's share of the probability of all.
struct ChoosingModel: TextModel {
    let base: any TokenScoring
    let options: [String]

    var name: String { base.name }
    var profile: ModelProfile { base.profile }

    func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let scored = try await base.score(options.map { " \($0)" }, after: request)
        let logprobs = scored.map(\.logprob)
        var best = 0
        for index in logprobs.indices where logprobs[index] > logprobs[best] { best = index }
        let total = logprobs.reduce(0) { $0 + exp($1 - logprobs[best]) }
        await sink.send(options[best])
        return Response(
            text: options[best],
            model: name,
            // One token that stands for the whole option.
            tokens: [GeneratedToken(id: nil, bytes: Array(options[best].utf8), logprob: -log(total))],
            usage: Usage(completionTokens: scored[best].tokenLogprobs.count)
        )
    }
}
