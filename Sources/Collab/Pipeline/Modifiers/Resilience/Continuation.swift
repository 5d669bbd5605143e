/// What happens to an answer that breaks off after a part of it has been handed out.
public enum AfterOutput: Hashable, Sendable {
    /// The failure is thrown: what has been read cannot be taken back.
    case fail
    /// A model is asked to go on where the text broke off.
    ///
    /// A text to be continued is continued as it stands; in a dialogue the model is shown the beginning and asked not
    /// to repeat it, which small models do not always heed. The trace marks the joint.
    case resume
}

/// Goes on with an answer that broke off.
struct Continuation {
    /// What has been handed out.
    let beginning: String

    /// The request for the rest.
    func request(for request: Request) -> Request {
        guard !beginning.isEmpty else { return request }
        var request = request
        switch request.input {
        case .completion(let text):
            request.input = .completion(text + beginning)
        case .dialogue(let messages):
            request.input = .dialogue(
                messages + [
                    .assistant(beginning),
                    .user("Your answer was cut off. Go on exactly where it stops, and repeat nothing."),
                ]
            )
        }
        return request
    }

    /// The whole answer. Of the beginning the tokens are not known, so there are none.
    func whole(_ rest: Response) -> Response {
        guard !beginning.isEmpty else { return rest }
        var response = rest
        response.text = beginning + rest.text
        response.tokens = nil
        return response
    }
}
