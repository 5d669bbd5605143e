/// A model that answers with the best beam of a search.
///
/// An answer is shown when it is complete. Make one with ``LogitModel/searchingBeams(_:)``.
public struct BeamModel<Base: LogitModel>: TextModel {
    /// The model beneath.
    public let base: Base
    /// How it is searched.
    public let search: BeamSearch

    /// The base's name, and how many beams.
    public var name: String { "\(base.name) with \(search.width) beams" }
    /// The base's.
    public var profile: ModelProfile { base.profile }

    /// Searches, and notes in the trace what else was found, and what was fused on the way to the answer.
    ///
    /// Throws what ``LogitModel/beams(_:for:)`` throws, and ``CollabError/Code/unfinishedAnswer`` if the model is
    /// constrained and no beam came to be what the constraint demands.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let (found, usage, start) = try await base.findBeams(search, for: request)
        for (place, beam) in found.map(\.beam).enumerated() {
            Run.note("beam \(place + 1)", "\(decimal(beam.score, places: 3)) “\(beam.text)”")
        }
        guard let first = found.first else {
            throw CollabError(.nothingToSample, "The search of \(name) found no answer.")
        }
        // Some may have been cut off at the limit.
        var best: FoundBeam?
        for candidate in found where best == nil {
            if try start.constraints.allow(candidate.beam.text) { best = candidate }
        }
        (best ?? first).note()
        let chosen = (best ?? first).beam
        var text = chosen.text
        if case .dialogue = request.input, !start.keepsWhitespace { text.trimPrefix(while: \.isWhitespace) }
        let response = Response(text: text, model: name, ending: chosen.ending, usage: usage)
        if best == nil { try start.constraints.check(response) }
        await sink.send(text)
        return response
    }
}
