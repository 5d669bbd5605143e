/// Writes one answer with models that hand over to each other at the borders of words or patches.
///
/// Only one of them writes at a time, so nothing has to be combined, and their vocabularies may differ: each reads what
/// the others have written as text.
///
/// ```swift
/// let nudged = SwitchingModel(.nudging()) {
///     base
///     small
/// }
/// ```
///
/// Each member renders the request for itself. The answer lists no tokens, since they are of several vocabularies; token
/// limits count the tokens of whoever writes, and an answer that a member has no room to read ends as at the limit. The
/// trace notes how much each member has written, and warns where the base
/// was interrupted at more than a fifth of the words.
public struct SwitchingModel: TextModel {
    /// What to call it.
    public let name: String
    /// When they hand over.
    public let rule: SwitchRule
    /// Who writes, in the order that the rule says.
    public let members: [any LogitModel]
    /// The name under which its random choices are drawn: the one that it would have if nothing guessed.
    let seedName: String
    /// What the members have in common, but no price.
    public var profile: ModelProfile {
        var profile = ModelProfile(of: members)
        if members.count > 1 { profile.price = nil }
        return profile
    }

    /// Makes it of members.
    public init(_ rule: SwitchRule, members: [any LogitModel], named name: String? = nil) {
        self.rule = rule
        self.members = members
        func listing(_ names: [String]) -> String { "\(names.joined(separator: ", ")) by \(rule.name)" }
        self.name = name ?? listing(members.map(\.name))
        seedName = name ?? listing(members.map { Collab.seedName(of: $0) })
    }

    /// Makes it of members.
    public init<Access: LogitReadable>(_ rule: SwitchRule, @TeamBuilder members: () -> TeamMembers<Access>) {
        self.init(rule, members: members().members.map(Access.logitModel))
    }

    /// Checks that the rule and the members fit.
    ///
    /// Throws ``CollabError/Code/emptyTeam`` or ``CollabError/Code/invalidRequest``.
    public func validate() throws(CollabError) { try rule.validate(memberCount: members.count) }

    /// Writes an answer together, and notes who wrote how much.
    ///
    /// Where the run's time is up the answer ends within a word or patch, at the token that was written last.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try validate()
        for member in members { try request.options.validate(for: member.tokenizer) }
        let seed = generationSeed(for: request)
        try checkCancellation()
        let starts = try await concurrently(members) { (model) async throws(CollabError) in
            do throws(CollabError) { return try await model.startDecoding(request) } catch {
                throw error.within(model.name)
            }
        }
        let writers = members.indices.map { index in
            SwitchWriter(members[index], starts[index], request.options, seed: seed &+ UInt64(index))
        }
        var answer = try SwitchedAnswer(request, starts, writers, seed: seed)
        do throws(CollabError) {
            switch rule {
            case .nudging(let threshold): try await answer.nudge(below: threshold, into: sink)
            case .mentoring(let share, let segment): try await answer.mentor(share, segment, into: sink)
            case .patches(let count, let selector): try await answer.patch(count, selector, into: sink)
            }
        } catch {
            // What was written may take more tokens of one member than of another.
            guard error.code == .contextOverflow, answer.written > 0 else { throw error }
            answer.endAtLimit()
        }
        await answer.finish(into: sink)
        answer.note(rule)
        let response = Response(
            text: answer.text,
            model: name,
            ending: answer.ending ?? .finished,
            tokens: nil,
            usage: Usage(
                promptTokens: starts.reduce(0) { $0 + $1.promptTokens },
                cachedTokens: starts.reduce(0) { $0 + $1.cachedTokens },
                completionTokens: answer.written,
                calls: 1
            )
        )
        try starts.flatMap(\.constraints).check(response)
        return response
    }

    private func generationSeed(for request: Request) -> UInt64 {
        request.options.seed
            ?? Run.current?.drawSeed("\(seedName)/\(request.sample)/\(request.contentHash)")
            ?? UInt64(bitPattern: Int64(request.sample))
    }
}
