/// A part that a store has, in its own words.
package struct StoredPart: Sendable, Equatable {
    /// 1 to 10,000.
    package var number: Int
    /// As it is given back in the completion, with its quotes.
    package var entityTag: String
    /// In bytes.
    package var size: Int64

    package init(number: Int, entityTag: String, size: Int64) {
        self.number = number
        self.entityTag = entityTag
        self.size = size
    }
}

/// What S3 stores answer, read from untrusted XML.
package enum S3Answer {
    /// The parts of one page, and where the next one begins.
    package struct PartPage: Sendable, Equatable {
        package var parts: [StoredPart]
        /// nil on the last page.
        package var next: Int?
    }

    /// Longest upload id and entity tag that are taken.
    private static let longestText = 2048

    /// The id of a new multipart upload; nil when the answer holds none.
    package static func uploadID(_ body: [UInt8]) -> String? {
        guard let root = try? XMLElement.read(body), root.name == "InitiateMultipartUploadResult" else { return nil }
        return text(root["UploadId"])
    }

    /// A page of `ListParts`; nil when it is none.
    package static func parts(_ body: [UInt8]) -> PartPage? {
        guard let root = try? XMLElement.read(body), root.name == "ListPartsResult" else { return nil }
        var parts: [StoredPart] = []
        for element in root.all("Part") {
            guard let number = element["PartNumber"].flatMap({ Int($0.text) }), PartLayout.numbers.contains(number),
                let tag = text(element["ETag"]), let size = element["Size"].flatMap({ Int64($0.text) }), size >= 0
            else { return nil }
            parts.append(StoredPart(number: number, entityTag: tag, size: size))
        }
        guard root["IsTruncated"]?.text == "true" else { return PartPage(parts: parts, next: nil) }
        guard let next = root["NextPartNumberMarker"].flatMap({ Int($0.text) }), PartLayout.numbers.contains(next),
            next >= parts.map(\.number).max() ?? 1
        else { return nil }
        return PartPage(parts: parts, next: next)
    }

    /// The ids of the unfinished uploads of one object, and whether there are more ("ListMultipartUploads"); nil when it is no such answer. What is listed of
    /// other objects is left out.
    package static func uploads(of key: String, _ body: [UInt8]) -> (ids: [String], hasMore: Bool)? {
        guard let root = try? XMLElement.read(body), root.name == "ListMultipartUploadsResult" else { return nil }
        var ids: [String] = []
        for upload in root.all("Upload") where upload["Key"]?.text == key {
            guard let id = text(upload["UploadId"]) else { return nil }
            ids.append(id)
        }
        return (ids, root["IsTruncated"]?.text == "true")
    }

    /// The object's entity tag after a completion, which may also be an error although the status says 200 ("CompleteMultipartUpload").
    package static func completion(_ body: [UInt8]) -> String? {
        guard let root = try? XMLElement.read(body), root.name == "CompleteMultipartUploadResult" else { return nil }
        return text(root["ETag"])
    }

    /// The code of an error document, a word such as `NoSuchBucket`; nil when there is none.
    package static func errorCode(_ body: [UInt8]) -> String? {
        guard let root = try? XMLElement.read(body), root.name == "Error", let code = root["Code"]?.text,
            (1...64).contains(code.utf8.count),
            code.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) })
        else { return nil }
        return code
    }

    /// The body of `CompleteMultipartUpload`.
    package static func completionOrder(_ parts: [StoredPart]) -> String {
        let items = parts.sorted { $0.number < $1.number }.map { part in
            "<Part><PartNumber>\(part.number)</PartNumber><ETag>\(escaped(part.entityTag))</ETag></Part>"
        }
        return "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\(items.joined())</CompleteMultipartUpload>"
    }

    private static func text(_ element: XMLElement?) -> String? {
        guard let text = element?.text, (1...longestText).contains(text.utf8.count),
            !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        else { return nil }
        return text
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
    }
}

/// Entity tags as S3 makes them: the MD5 of an object that was put at once, or of its parts' MD5s with a hyphen and their number.
package enum S3EntityTag {
    /// Whether a tag can be that of bytes with this MD5, in lower-case hexadecimal and with `-N` for an object of N parts. Tags of another form (of
    /// stores that encrypt, or make their own) say nothing, and pass.
    package static func mayBe(_ tag: String, md5: String) -> Bool {
        let bare = tag.lowercased().filter { $0 != "\"" }
        let halves = bare.split(separator: "-", omittingEmptySubsequences: false)
        guard halves[0].utf8.count == 32, halves[0].utf8.allSatisfy(\.isHexDigit), halves.count == md5.split(separator: "-").count else {
            return true
        }
        return bare == md5
    }
}
