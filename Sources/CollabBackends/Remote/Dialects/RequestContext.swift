internal import Collab

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What the writers of all dialects share: the model, the server's fields, the seed.
struct RequestContext {
    let model: String
    let server: ServerKind
    let settings: RemoteSettings

    /// The name of a server's field for an option.
    ///
    /// Throws ``Collab/CollabError/Code/unsupported`` if it has none.
    func field(_ name: String?, for option: String) throws(CollabError) -> String {
        guard let name else {
            throw CollabError(
                .unsupported,
                "\(server.name) has no field for \(option). Leave the option out, or name the server that “\(model)” runs on "
                    + "(server: .llamaCPP, .vLLM, or your own ServerKind)."
            )
        }
        return name
    }

    /// Adds the options of sampling, and the seed, to a body or a part of it.
    func addSampling(of request: Request, to body: inout JSONObject) throws(CollabError) {
        guard server.takesSampling else { return }
        let sampling = request.options.sampling
        body["temperature"] = .double(sampling.temperature)
        if sampling.topP < 1 { body["top_p"] = .double(sampling.topP) }
        if let topK = sampling.topK {
            body[try field(server.topKField, for: "topK")] = .integer(Int64(topK))
        }
        if sampling.minP > 0 { body[try field(server.minPField, for: "minP")] = .double(sampling.minP) }
        if sampling.repetitionPenalty != 1 {
            let name = try field(server.repetitionPenaltyField, for: "repetitionPenalty")
            body[name] = .double(sampling.repetitionPenalty)
            if let window = server.repetitionWindowField {
                body[window] = .integer(Int64(sampling.repetitionWindow))
            }
        }
        if let seed = seed(of: request) {
            body[try field(server.seedField, for: "seed")] = .integer(seed)
        }
    }

    /// The seed to send: the request's own, or one from the run's seed where there is something to draw.
    ///
    /// Servers differ in how large a seed they take; 31 bits all of them do.
    private func seed(of request: Request) -> Int64? {
        if let seed = request.options.seed { return Int64(seed & 0x7fff_ffff) }
        guard request.options.sampling.temperature > 0, server.seedField != nil, let run = Run.current else {
            return nil
        }
        var generator = SeededGenerator(seed: run.seed &+ UInt64(truncatingIfNeeded: request.sample))
        return Int64(generator.next() & 0x7fff_ffff)
    }

    /// How many alternatives to ask for at each token; `nil` if no log-probabilities are wanted.
    func alternatives(of request: Request) throws(CollabError) -> Int? {
        let count = request.options.alternatives
        let isUsual = settings.reportsLogprobs && request.options.reportsLogprobs
        guard count > 0 || isUsual else { return nil }
        if let most = server.maximumAlternatives, count > most || most == 0 {
            throw CollabError(
                .unsupported,
                most == 0
                    ? "\(server.name) tells no log-probabilities; the request needs some."
                    : "\(server.name) reports at most \(most) alternatives a token; the request asks for \(count)."
            )
        }
        return count
    }

    /// The arguments of a tool call as the object that some protocols want; none at all are an empty one.
    ///
    /// Throws ``Collab/CollabError/Code/invalidRequest`` if they are no JSON object.
    func arguments(of call: ToolCall) throws(CollabError) -> JSONObject {
        let text = call.arguments.isEmpty ? "{}" : call.arguments
        if case .object(let arguments)? = try? JSONValue(parsing: Array(text.utf8), policy: .wire) {
            return arguments
        }
        throw CollabError(
            .invalidRequest,
            "The arguments of the call of “\(escapingControls(call.name, limit: 60))” are no JSON object, which "
                + "\(server.name) needs."
        )
    }

    /// Throws ``Collab/CollabError/Code/unsupported`` for images and files in a turn where the protocol has no place for them.
    func checkPlain(_ message: Message, of kind: String) throws(CollabError) {
        if !message.attachments.isEmpty { throw unsupported("images or files in \(kind)") }
    }

    func unsupported(_ what: String) -> CollabError {
        CollabError(.unsupported, "\(server.name) takes no \(what).")
    }
}

extension Attachment {
    /// The bytes as a `data:` address.
    static func dataAddress(_ bytes: [UInt8], mediaType: String) -> String {
        "data:\(mediaType);base64," + base64(bytes)
    }

    static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
}
