/// What a server says went wrong, whatever shape it says it in.
///
/// Seen in the wild: `{"error": {"message", "type", "code"}}` with a code that is text, a number or null; the same
/// under `"type": "error"`; `{"error": "text"}`; `{"object": "error", "message"}`; `{"detail": "text"}` and
/// `{"detail": [{"msg"}]}`; HTML; nothing.
struct ServerComplaint: Hashable, Sendable {
    var message: String?
    /// The words by which the server classifies the error: its type, its code.
    var words: [String] = []
    /// An HTTP status named in the body.
    var status: Int?
    /// The context length named in the body.
    var contextLength: Int?

    /// Reads the complaint in a JSON value; `nil` if it is none.
    init?(_ json: JSONValue) {
        if let inner = json["error"], !inner.isNull {
            if let text = inner.stringValue {
                message = text
            } else {
                read(inner)
            }
        } else if json["object"]?.stringValue == "error" || json["type"]?.stringValue == "error" {
            read(json)
        } else if let detail = json["detail"], !detail.isNull {
            message = detail.stringValue ?? detail[0]?["msg"]?.stringValue ?? detail["message"]?.stringValue
        } else {
            return nil
        }
    }

    /// Reads the body of an error response: JSON if it is any, else an excerpt.
    init(body: [UInt8]) {
        if let json = try? JSONValue(parsing: body, policy: .wire), let complaint = ServerComplaint(json) {
            self = complaint
        } else {
            let text = String(decoding: body, as: UTF8.self).trimmingSpace()
            message = text.isEmpty ? nil : text
        }
    }

    private mutating func read(_ object: JSONValue) {
        message = object["message"]?.stringValue
        words = [object["type"], object["code"]].compactMap { $0?.stringValue?.lowercased() }
        status = object["code"]?.intValue ?? object["status"]?.intValue
        contextLength = object["n_ctx"]?.intValue
    }

    /// The class of the failure.
    ///
    /// - Parameter httpStatus: the response's status; `nil` if the complaint came inside a good response.
    func kind(httpStatus: Int?) -> RemoteFailure.Kind {
        let status = httpStatus ?? status
        if let kind = kindByWords(status) { return kind }
        switch status ?? 500 {
        case 401: return .unauthenticated
        case 402: return .quotaExhausted
        case 403: return .forbidden
        case 404: return .notFound
        case 413: return .tooLarge
        case 429: return .rateLimited
        case 502, 503, 504, 529: return .overloaded
        case 408, 409: return .serverError
        case 400..<500: return .invalidRequest
        default: return .serverError
        }
    }

    private func kindByWords(_ status: Int?) -> RemoteFailure.Kind? {
        func has(_ parts: String...) -> Bool {
            words.contains { word in parts.contains { word.contains($0) } }
        }
        if has("context_length", "context_size") { return .contextTooLong }
        if has("insufficient_quota", "billing", "spend_limit") { return .quotaExhausted }
        if has("content_filter", "content_policy") { return .contentFiltered }
        // Anthropic's word for it is that of every bad request.
        if status == 400, (message ?? "").lowercased().contains("credit balance is too low") {
            return .quotaExhausted
        }
        if let status, (400..<500).contains(status), status != 429, speaksOfContext { return .contextTooLong }
        // Where there is a status it decides; without one the words are all there is.
        guard status == nil else { return nil }
        if has("rate_limit") { return .rateLimited }
        if has("overloaded", "unavailable") { return .overloaded }
        if has("authentication", "api_key") { return .unauthenticated }
        if has("permission") { return .forbidden }
        if has("not_found") { return .notFound }
        if has("invalid_request", "badrequest") { return .invalidRequest }
        return nil
    }

    private var speaksOfContext: Bool {
        let text = (message ?? "").lowercased()
        return [
            "maximum context length", "context size", "context window", "exceeds the context",
            "context limit",
            "prompt is too long",
        ].contains { text.contains($0) }
    }
}
